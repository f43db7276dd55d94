package proxy_test

import (
	"io"
	"net"
	"strings"
	"testing"

	"popgate/internal/poptest"
)

// backendScript is what a backend says to each line, all it ever says.
var backendScript = []string{
	"+OK old server\r\n", "+OK\r\n", "+OK 2 mails\r\n", "+OK 2 320\r\n",
	"+OK\r\nSubject: x\r\n\r\n..\r\nQUIT\r\n.\r\n", "+OK\r\n", "+OK bye\r\n",
}

// However and wherever a backend is cut, the client has what the backend sent
// after the login, up to the last octet, and nothing else; a login that wasn't
// answered is [SYS/TEMP], and what was pipelined behind it reaches no backend.
func TestBackendCutAtEveryOffset(t *testing.T) {
	script := strings.Join(backendScript, "")
	welcome := len(strings.Join(backendScript[:3], ""))
	for _, how := range []string{"FIN", "RST"} {
		for at := range len(script) + 1 {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			backend := poptest.NewBackend(ln, func(c *poptest.BackendConn) {
				end := func() error { return poptest.RST(c.Conn) }
				if how == "FIN" {
					end = func() error { return poptest.FIN(c.Conn) }
				}
				out := poptest.CutWrite(c.Conn, at, end)
				playBackend(c, out)
			})
			s := newStand(t, ln.Addr().String(), func(p *plan) { p.settings.Errors = 50 })
			got, err := s.everything()
			if err != nil {
				t.Errorf("%s at %d: %v", how, at, err)
			}
			s.close()
			_ = backend.Close()
			received := string(backend.Received(0))
			const before = "+OK pop.example.com POP3 ready\r\n+OK\r\n"
			answer, begun := strings.CutPrefix(got, before)
			want := script[min(welcome-len(backendScript[2]), at):at]
			if at < welcome {
				want = "-ERR [SYS/TEMP] the mail server is not available, try again later\r\n" +
					strings.Repeat("-ERR log in first\r\n", 3) + "+OK bye\r\n"
			}
			if !begun || answer != want {
				t.Errorf("%s at %d: the client got %q, want %q", how, at, answer, want)
			}
			if at < welcome && strings.Contains(received, "STAT") || backend.Connections() != 1 ||
				!strings.HasPrefix("USER joe\r\nPASS sesame\r\nSTAT\r\nRETR 1\r\nDELE 1\r\nQUIT\r\n", received) {
				t.Errorf("%s at %d: %d connections, the first received %q", how, at, backend.Connections(), received)
			}
		}
	}
}

// playBackend says its script, one reply to each line, and waits for the end.
func playBackend(c *poptest.BackendConn, out io.Writer) {
	defer c.AwaitEnd()
	for i, reply := range backendScript {
		if i > 0 {
			if _, ok := c.Line(); !ok {
				return
			}
		}
		if _, err := io.WriteString(out, reply); err != nil {
			return
		}
	}
}

// everything sends a whole session at once and returns all that comes.
func (s *stand) everything() (string, error) {
	under, err := s.raw()
	if err != nil {
		return "", err
	}
	defer under.Close()
	m := newMail(under, under, s.tls)
	if _, err := io.WriteString(m, "USER joe\r\nPASS sesame\r\nSTAT\r\nRETR 1\r\nDELE 1\r\nQUIT\r\n"); err != nil {
		return "", err
	}
	var all strings.Builder
	_, err = io.Copy(&all, m)
	return all.String(), err
}
