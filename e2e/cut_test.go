package e2e

import (
	"crypto/tls"
	"net"
	"slices"
	"strings"
	"testing"
)

// cuts are the ways in which a client can vanish.
var cuts = map[string]func(*wire){
	// A clean end of TLS and TCP.
	"close": func(w *wire) { w.Close() },
	// The network breaks: the other side sees a reset.
	"reset": func(w *wire) {
		tcp := w.tcp()
		tcp.SetLinger(0)
		tcp.Close()
	},
	// The program is killed: TCP ends properly, TLS doesn't say goodbye.
	"no close_notify": func(w *wire) { w.tcp().Close() },
	// The client has said all and still listens.
	"half-close": func(w *wire) { w.Conn.(*tls.Conn).CloseWrite() },
}

// tcp returns the connection under TLS.
func (w *wire) tcp() *net.TCPConn {
	return w.Conn.(*tls.Conn).NetConn().(*net.TCPConn)
}

// TestCutDeletesNothing: a client that vanishes without a whole QUIT line deletes nothing, however it vanishes and
// whatever it had begun to say.
func TestCutDeletesNothing(t *testing.T) {
	everyMaildrop(t, func(t *testing.T, m maildrop) {
		joe := m.mailbox(t, "joe", threeMails())
		p := startPopgate(t, settings{backends: backend("legacy", m.plain().port)})
		sessions := 0
		for how, cut := range cuts {
			for _, tail := range []string{"", "QUIT", "QUIT\r", "QUI", "DELE 2"} {
				w := dial(t, p.implicit)
				w.login(joe)
				w.ok("DELE 1")
				if tail != "" {
					w.raw(tail)
				}
				cut(w)
				sessions++
				m.closed(t, sessions)
				if got := m.left(t, joe); !slices.Equal(got, names(threeMails())) {
					t.Fatalf("%s after %q: the mailbox holds %q, want all mails", how, tail, got)
				}
			}
		}
	})
}

// TestQuitAtLastCommits: a client that sends QUIT and is gone before the answer has deleted what it marked.
func TestQuitAtLastCommits(t *testing.T) {
	everyMaildrop(t, func(t *testing.T, m maildrop) {
		p := startPopgate(t, settings{backends: backend("legacy", m.plain().port)})
		sessions := 0
		for how, cut := range cuts {
			if how == "reset" {
				continue // A reset may overtake the QUIT within the kernel; the client can't know what it got.
			}
			for _, e := range []endpoint{p.implicit, p.starttls} {
				joe := m.mailbox(t, "joe-"+strings.ReplaceAll(how, " ", "-")+string(e.security), threeMails())
				w := dial(t, e)
				w.login(joe)
				w.ok("DELE 2")
				w.send("DELE 3", "QUIT")
				cut(w)
				sessions++
				m.closed(t, sessions)
				if got, want := m.left(t, joe), []string{"one"}; !slices.Equal(got, want) {
					t.Errorf("%s over %s: the mailbox holds %q, want %q", how, e.security, got, want)
				}
			}
		}
	})
}

// TestHalfClosedClientGetsAllAnswers: a client may say everything at once, end its own side, and read on.
func TestHalfClosedClientGetsAllAnswers(t *testing.T) {
	everyMaildrop(t, func(t *testing.T, m maildrop) {
		huge := hugeMail()
		joe := m.mailbox(t, "joe", []mail{huge, newMail("last", "x\n")})
		p := startPopgate(t, settings{backends: backend("legacy", m.plain().port)})
		w := dial(t, p.implicit)
		w.send("USER "+joe.user, "PASS "+joe.password, "RETR 1", "DELE 2", "QUIT")
		cuts["half-close"](w)
		w.line()
		w.line()
		answers := w.end()
		text, rest, _ := strings.Cut(answers, "\r\n.\r\n")
		if got := unstuffed([]byte(text + "\r\n.\r\n")); got != huge.wire() {
			t.Errorf("the mail has %d bytes, want %d, or differs in them", len(got), len(huge.wire()))
		}
		if got := strings.Count(rest, "+OK"); got != 2 {
			t.Errorf("after the mail came %q, want two +OK", rest)
		}
		m.closed(t, 1)
		if got := m.left(t, joe); !slices.Equal(got, []string{"huge"}) {
			t.Errorf("the mailbox holds %q", got)
		}
	})
}

// TestKilledProxyDeletesNothing: when popgate dies, the backend sees no QUIT.
func TestKilledProxyDeletesNothing(t *testing.T) {
	everyMaildrop(t, func(t *testing.T, m maildrop) {
		joe := m.mailbox(t, "joe", threeMails())
		p := startPopgate(t, settings{backends: backend("legacy", m.plain().port)})
		w := dial(t, p.implicit)
		w.login(joe)
		w.ok("DELE 1")
		if err := p.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		m.closed(t, 1)
		if got := m.left(t, joe); !slices.Equal(got, names(threeMails())) {
			t.Errorf("the mailbox holds %q, want all mails", got)
		}
		if rest := w.end(); rest != "" {
			t.Errorf("the client got %q", rest)
		}
	})
}
