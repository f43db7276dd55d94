package proxy_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"popgate/internal/pop3"
	"popgate/internal/poptest"
	"popgate/internal/route"
)

// saying is a backend that says one part at once and one more for each line it
// gets, then hangs up.
func saying(parts [][]byte) func(*poptest.BackendConn) {
	return func(c *poptest.BackendConn) {
		for i, part := range parts {
			if i > 0 {
				if _, ok := c.Line(); !ok {
					return
				}
			}
			if c.Send(string(part)) != nil {
				return
			}
		}
		c.Line()
	}
}

// playTalk logs in to a backend that says parts; shape chooses among the ways
// to log in there.
func playTalk(t *testing.T, parts [][]byte, shape byte) {
	h := newHall(t, saying(parts), func(p *plan) {
		switch shape % 3 {
		case 1:
			p.routes.Backends[0].Auth = route.AuthPlain
		case 2:
			p.routes.Backends[0].Capabilities = []string{"PIPELINING"}
		}
	})
	defer h.close()
	m, err := h.dial()
	if err != nil {
		t.Fatal(err)
	}
	defer m.under.Close()
	answers := []string{}
	for _, command := range []string{"NOOP", "USER joe", "PASS sesame"} {
		if err := m.ask(command, ""); err != nil {
			t.Fatal(err)
		}
		answers = append(answers, m.last)
	}
	loggedIn := strings.HasPrefix(m.last, "+OK")
	if answers[0] != "+OK\r\n" || answers[1] != "+OK\r\n" || !presentable(m.last) {
		t.Errorf("the client was answered %q", answers)
	}
	switch {
	case loggedIn:
		_, err = io.WriteString(m, "QUIT\r\n") // the backend may be gone
	case !strings.HasPrefix(m.last, "-ERR [SYS/PERM] the server"):
		// That one, a backend without AUTH PLAIN, is an end.
		err = m.asks("NOOP", "+OK\r\n", "QUIT", "+OK bye\r\n")
	}
	rest, readErr := readAll(m.in)
	if !loggedIn && (err != nil || readErr != nil || rest != "") {
		t.Errorf("a refused client got %q, %v, %v", rest, err, readErr)
	}
	said := string(bytes.Join(parts[:min(4, len(parts))], nil))
	if loggedIn && !strings.HasSuffix(said, rest) {
		t.Errorf("the backend said %q, the client got %q at the end", said, rest)
	}
	if n := h.backend.Connections(); n != 1 {
		t.Fatalf("%d connections to the backend", n)
	}
	checkTold(t, parts, shape, string(h.backend.Received(0)))
}

// presentable says whether line is one that a client may get.
func presentable(line string) bool {
	body, whole := strings.CutSuffix(line, "\r\n")
	reply, err := pop3.ParseReply([]byte(body))
	return whole && err == nil && pop3.Presentable([]byte(body)) && (reply.OK || ownLine.MatchString(line))
}

// checkTold insists that a backend was told no more than its words allow.
func checkTold(t *testing.T, parts [][]byte, shape byte, received string) {
	t.Helper()
	if greeted := okLine(parts, 0); !greeted && received != "" {
		t.Errorf("the backend never greeted and got %q", received)
	}
	if strings.Contains(received, "PASS") && shape%3 == 0 && !okLine(parts, 1) {
		t.Errorf("the name was not taken, and the backend got %q", received)
	}
	if strings.Contains(received, "QUIT") && shape%3 == 0 && !okLine(parts, 2) {
		t.Errorf("the password was not taken, and the backend got %q", received)
	}
	if strings.Count(received, "PASS") > 1 || strings.Count(received, "USER") > 1 {
		t.Errorf("the backend got %q", received)
	}
}

// okLine says whether a part begins with a whole line that is +OK.
func okLine(parts [][]byte, i int) bool {
	if len(parts) <= i {
		return false
	}
	line, _, whole := bytes.Cut(parts[i], []byte{'\n'})
	reply, err := pop3.ParseReply(bytes.TrimSuffix(line, []byte{'\r'}))
	return whole && err == nil && reply.OK
}
