package proxy_test

import (
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"popgate/internal/demo"
	"popgate/internal/poptest"
)

// recorder is a listener that keeps what each connection received.
type recorder struct {
	net.Listener
	mu    sync.Mutex
	conns []*recorded
}

type recorded struct {
	net.Conn
	mu  sync.Mutex
	got []byte
}

func (r *recorder) Accept() (net.Conn, error) {
	conn, err := r.Listener.Accept()
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	c := &recorded{Conn: conn}
	r.conns = append(r.conns, c)
	return c, nil
}

func (c *recorded) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, p[:n]...)
	return n, err
}

// of returns what the connections received that began with this user.
func (r *recorder) of(user string) (all []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.conns {
		c.mu.Lock()
		if got := string(c.got); strings.HasPrefix(got, "USER "+user+"\r\n") {
			all = append(all, got)
		}
		c.mu.Unlock()
	}
	return all
}

// cut is a way to end a session after so many octets.
type cut struct {
	name string
	// wire: the octets are those of TLS, the handshake's too; else those of
	// the commands.
	wire bool
	// sure: what was sent before the cut arrives.
	sure bool
	how  func(m *mail) error
}

var cuts = []cut{
	{"close_notify", false, true, func(m *mail) error { return m.CloseWrite() }},
	{"FIN", false, true, func(m *mail) error { return poptest.FIN(m.under) }},
	{"RST", false, false, func(m *mail) error { return poptest.RST(m.under) }},
	{"FIN inside TLS", true, true, func(m *mail) error { return poptest.FIN(m.under) }},
	{"RST inside TLS", true, false, func(m *mail) error { return poptest.RST(m.under) }},
}

// cutScript is all that a client says, each line a TLS record of its own.
func cutScript(user string) []string {
	return []string{
		"USER " + user + "\r\n", "PASS sesame\r\n", "STAT\r\n", "RETR 1\r\n",
		"DELE 12\r\n", "DELE 1\r\n", "RSET\r\n", "DELE 11\r\n", "QUIT\r\n",
	}
}

// However and wherever a client's session is cut, the backend has only whole
// lines that the client sent, one connection at most, and has deleted what was
// marked if and only if QUIT arrived whole.
func TestClientCutAtEveryOffset(t *testing.T) {
	users := slices.Collect(func(yield func(demo.User) bool) {
		for i := range 6000 {
			if !yield(demo.User{Name: fmt.Sprintf("cut%05d", i), Password: "sesame", Mails: twelve}) {
				return
			}
		}
	})
	drops, err := demo.New(demo.Options{Users: users, MaxSessions: 1000})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	backends := &recorder{Listener: ln}
	go func() { _ = drops.Serve(backends) }()
	defer drops.Close()
	s := newStand(t, ln.Addr().String())
	defer s.close()

	var work sync.WaitGroup
	gate := make(chan struct{}, 16)
	user := 0
	type run struct {
		cut  cut
		at   int
		user string
	}
	var runs []run
	for _, c := range cuts {
		length := len(strings.Join(cutScript("cut00000"), ""))
		step := 1
		if c.wire {
			length = s.wireLength(t)
			if raceEnabled {
				step = 7
			}
		}
		for at := 0; at <= length; at += step {
			runs = append(runs, run{c, at, fmt.Sprintf("cut%05d", user)})
			user++
		}
	}
	if user > len(users) {
		t.Fatalf("%d users are too few for %d sessions", len(users), user)
	}
	before := s.ended()
	for _, r := range runs {
		gate <- struct{}{}
		work.Go(func() {
			defer func() { <-gate }()
			if err := s.cut(r.cut, r.at, r.user); err != nil {
				t.Errorf("%s at %d: %v", r.cut.name, r.at, err)
			}
		})
	}
	work.Wait()
	s.log.await(t, sessionLine, before+len(runs))
	for _, r := range runs {
		if err := judge(r.cut, r.at, r.user, backends.of(r.user), len(drops.Maildrop(r.user))); err != nil {
			t.Errorf("%s at %d: %v", r.cut.name, r.at, err)
		}
	}
}

// twelve mails, so that DELE 12 cut short would be another command.
var twelve = slices.Repeat([][]byte{[]byte("Subject: x\r\n\r\n.dot\r\n")}, 12)

// ended counts the sessions that have.
func (s *stand) ended() int { return strings.Count(s.log.String(), sessionLine) }

// wireLength is how many octets of TLS a client sends that sends all.
func (s *stand) wireLength(t *testing.T) int {
	t.Helper()
	counter := new(countWrites)
	under, err := s.raw()
	if err != nil {
		t.Fatal(err)
	}
	defer under.Close()
	counter.Conn = under
	m := newMail(under, counter, s.tls)
	for _, line := range cutScript("nobody00") {
		if _, err := io.WriteString(m, line); err != nil {
			t.Fatal(err)
		}
	}
	_ = m.CloseWrite()
	_, _ = io.Copy(io.Discard, m)
	s.log.await(t, sessionLine, 1)
	return counter.n
}

type countWrites struct {
	net.Conn
	n int
}

func (c *countWrites) Write(p []byte) (int, error) {
	c.n += len(p)
	return c.Conn.Write(p)
}

// cut is one session that ends after at octets.
func (s *stand) cut(c cut, at int, user string) error {
	under, err := s.raw()
	if err != nil {
		return err
	}
	defer under.Close()
	m := newMail(under, under, s.tls)
	if c.wire {
		m = newMail(under, poptest.CutWrite(under, at, func() error { return c.how(m) }), s.tls)
	}
	var out io.Writer = m
	if !c.wire {
		if err := m.Handshake(); err != nil {
			return err
		}
		out = poptest.CutWrite(m, at, func() error { return c.how(m) })
	}
	for _, line := range cutScript(user) {
		if _, err := io.WriteString(out, line); err != nil {
			break // the cut
		}
	}
	// Read on until the proxy has ended its side too, or there is none.
	_, _ = io.Copy(io.Discard, m)
	return nil
}

// judge says what is wrong with what a cut session has left behind.
func judge(c cut, at int, user string, got []string, mails int) error {
	switch len(got) {
	case 0:
		if mails != len(twelve) {
			return fmt.Errorf("%d mails without a session", mails)
		}
		if script := strings.Join(cutScript(user), ""); c.sure && !c.wire && at >= strings.Index(script, "STAT") {
			return fmt.Errorf("no backend was asked")
		}
		return nil
	case 1:
	default:
		return fmt.Errorf("%d connections to the backend", len(got))
	}
	whole := strings.Join(cutScript(user), "")
	if !strings.HasPrefix(whole, got[0]) || !strings.HasSuffix(got[0], "\r\n") {
		return fmt.Errorf("the backend received %q", got[0])
	}
	if !c.wire {
		rest, sent := strings.CutPrefix(whole[:at], got[0])
		if !sent || c.sure && strings.Contains(rest, "\n") {
			// Orderly ends lose nothing that was whole.
			return fmt.Errorf("the backend received %q of %q", got[0], whole[:at])
		}
	}
	want := len(twelve)
	if strings.HasSuffix(got[0], "QUIT\r\n") {
		want-- // DELE 11, as RSET undid the others
	}
	if mails != want {
		return fmt.Errorf("%d mails left of %d, the backend received %q", mails, len(twelve), got[0])
	}
	return nil
}
