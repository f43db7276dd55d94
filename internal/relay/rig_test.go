package relay

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// kind says over what a relay runs in a test.
type kind struct {
	name string
	tcp  bool   // loopback sockets; else pipes, which work in a bubble
	tls  uint16 // the version; 0: none
	// wrap puts something between the relay's Conn and the client's transport.
	wrap func(net.Conn) net.Conn
	// observed: an observer follows the session.
	observed bool
	// keyLog gets the client's TLS secrets.
	keyLog io.Writer
}

var (
	fast     = kind{name: "fast", tcp: true, tls: tls.VersionTLS13}
	fast12   = kind{name: "fast, TLS 1.2", tcp: true, tls: tls.VersionTLS12}
	plainTLS = kind{name: "pipes, TLS", tls: tls.VersionTLS13}
	plain    = kind{name: "pipes"}

	fastObserved  = kind{name: "fast, observed", tcp: true, tls: tls.VersionTLS13, observed: true}
	plainObserved = kind{name: "pipes, observed", observed: true}
)

// rig is a relay under way between two ends that a test holds.
type rig struct {
	t        testing.TB
	client   end   // the mail client
	wire     *Conn // beneath the client's TLS: tells a FIN from a close_notify
	backend  end   // the maildrop's server
	session  *Session
	done     chan Result
	patience time.Duration
}

// open starts a relay. Both ends of it are closed when the test is over.
func open(t testing.TB, k kind, tweak ...func(*Options)) *rig {
	t.Helper()
	var client, transport, backend, farBackend end
	r := &rig{t: t, done: make(chan Result, 1)}
	if k.tcp {
		client, transport = sides(tcpPair(t))
		backend, farBackend = sides(tcpPair(t))
		// A test that hangs should say where.
		r.patience = 30 * time.Second
		limit := time.Now().Add(r.patience)
		_, _ = client.SetDeadline(limit), backend.SetDeadline(limit)
	} else {
		client, transport = sides(pipePair())
		backend, farBackend = sides(pipePair())
		r.patience = 240 * time.Hour // of virtual time
	}
	var below net.Conn = transport
	if tcp, ok := transport.(tcpEnd); ok {
		below = tcp.TCPConn
	}
	if k.wrap != nil {
		below = k.wrap(below)
	}
	beneath := NewConn(below, nil, time.Minute)
	r.client, r.wire, r.backend = client, NewConn(client, nil, time.Minute), backend
	opts := Options{
		Client: beneath, Beneath: beneath, Backend: farBackend,
		Idle: 10 * time.Minute, Quit: 2 * time.Minute, HalfClosed: 2 * time.Minute,
		Done: func(result Result) { r.done <- result },
	}
	if k.tls != 0 {
		r.client, opts.Client = tlsPair(t, k, client, r.wire, beneath)
	}
	if k.observed {
		opts.Observer = func(Origin, string) bool { return true }
	}
	for _, f := range tweak {
		f(&opts)
	}
	r.session = Start(opts)
	t.Cleanup(func() {
		_, _ = client.Close(), r.backend.Close()
		r.session.Expire()
		r.result()
	})
	return r
}

// sides makes ends of both ends of a connection.
func sides[E end](near, far E) (end, end) { return near, far }

// result waits for the end of the session.
func (r *rig) result() Result {
	r.t.Helper()
	select {
	case result := <-r.done:
		r.done <- result
		return result
	case <-time.After(r.patience):
		r.t.Fatal("the session doesn't end")
		return Result{}
	}
}

// alive fails the test if the session has ended.
func (r *rig) alive() {
	r.t.Helper()
	if len(r.done) > 0 {
		r.t.Fatalf("the session has ended: %+v", r.result())
	}
}

// ends fails the test if the session ends otherwise.
func (r *rig) ends(want End) Result {
	r.t.Helper()
	got := r.result()
	if got.End != want {
		r.t.Errorf("the session ended with %v, want %v", got.End, want)
	}
	return got
}

// send writes text.
func (r *rig) send(to io.Writer, text string) {
	r.t.Helper()
	if _, err := io.WriteString(to, text); err != nil {
		r.t.Fatalf("write %.40q: %v", text, err)
	}
}

// expect reads text, and not more.
func (r *rig) expect(from io.Reader, text string) {
	r.t.Helper()
	if err := read(from, text); err != nil {
		r.t.Fatal(err)
	}
}

// expectEnd reads text and then the end of the stream.
func (r *rig) expectEnd(from io.Reader, text string) {
	r.t.Helper()
	if err := readEnd(from, text); err != nil {
		r.t.Fatal(err)
	}
}

// read reads text, and not more.
func read(from io.Reader, text string) error {
	buf := make([]byte, len(text))
	if n, err := io.ReadFull(from, buf); err != nil || string(buf) != text {
		return fmt.Errorf("read %d octets, %.60q (%w), want %d, %.60q", n, buf[:n], err, len(text), text)
	}
	return nil
}

// readEnd reads text and then the end of the stream.
func readEnd(from io.Reader, text string) error {
	got, err := io.ReadAll(from)
	if err != nil || string(got) != text {
		return fmt.Errorf("read %d octets, %.60q (%w), want %d, %.60q, and the end", len(got), got, err, len(text), text)
	}
	return nil
}

// expectQuiet insists that the backend's stream neither has more bytes nor
// has ended. It takes no time.
func (r *rig) expectQuiet(conn net.Conn) {
	r.t.Helper()
	synctest.Wait()
	_ = conn.SetReadDeadline(time.Now().Add(time.Nanosecond))
	defer func() { _ = conn.SetReadDeadline(time.Time{}) }()
	var b [64]byte
	n, err := conn.Read(b[:])
	if wait, ok := err.(net.Error); n > 0 || !ok || !wait.Timeout() {
		r.t.Fatalf("read %q (%v), want silence", b[:n], err)
	}
}

// until looks every millisecond of real time until what is described is true.
func (r *rig) until(described string, is func() bool) {
	r.t.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	limit := time.After(20 * time.Second)
	for !is() {
		select {
		case <-look.C:
		case <-limit:
			r.t.Fatal("not true after 20 s: " + described)
		}
	}
}

// still reports whether nothing is relayed: two looks 20 ms apart see the same.
func (r *rig) still() bool {
	up, down := r.session.Bytes()
	<-time.After(20 * time.Millisecond)
	laterUp, laterDown := r.session.Bytes()
	return up == laterUp && down == laterDown
}

// stuck reports whether a write to the client doesn't return.
func (r *rig) stuck() bool { return r.still() && r.session.writing.Load() }

// hangUp ends the client's stream in one of the ways of hangUps.
func (r *rig) hangUp(how string) {
	r.t.Helper()
	transport := r.client
	if over, ok := r.client.(tlsEnd); ok {
		transport = over.transport
	}
	switch how {
	case "close_notify":
		_ = r.client.CloseWrite()
	case "close_notify and FIN":
		_, _ = r.client.CloseWrite(), transport.CloseWrite()
	case "FIN":
		_ = transport.CloseWrite()
	case "RST":
		_ = transport.Reset()
	default:
		r.t.Fatalf("hang up by %q?", how)
	}
}

// hangUps are the ways in which a client goes away. All but the last end the
// stream in order.
var hangUps = []string{"close_notify", "close_notify and FIN", "FIN", "RST"}

// pass lets virtual time go by.
func pass(d time.Duration) { <-time.After(d) }

// virtual runs f as a subtest whose time is virtual.
func virtual(t *testing.T, name string, f func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}
