package proxy_test

import (
	"encoding/base64"
	"io"
	"net"
	"strings"
	"testing"

	"popgate/internal/poptest"
)

// splitLogins are whole sessions with everything pipelined behind the login,
// and what the client gets for them.
var splitLogins = []struct{ name, script, want string }{
	{
		"USER",
		"USER user0\r\nPASS sesame\r\nSTAT\r\nDELE 1\r\nRSET\r\nQUIT\r\n",
		"+OK\r\n+OK 1 messages\r\n+OK 1 20\r\n+OK marked as deleted\r\n+OK 1 messages (20 octets)\r\n+OK bye, 0 messages removed\r\n",
	},
	{
		"AUTH PLAIN",
		"AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00user0\x00sesame")) + "\r\nSTAT\r\nQUIT\r\n",
		"+OK 1 messages\r\n+OK 1 20\r\n+OK bye, 0 messages removed\r\n",
	},
	{
		"AUTH LOGIN",
		"AUTH LOGIN\r\ndXNlcjA=\r\nc2VzYW1l\r\nSTAT\r\nQUIT\r\n",
		"+ VXNlcm5hbWU6\r\n+ UGFzc3dvcmQ6\r\n+OK 1 messages\r\n+OK 1 20\r\n+OK bye, 0 messages removed\r\n",
	},
	{
		"refused",
		"NOOP\r\nUSER user0\r\nPASS wrong\r\nDELE 1\r\nQUIT\r\n",
		"+OK\r\n+OK\r\n-ERR [AUTH] authentication failed\r\n-ERR log in first\r\n+OK bye\r\n",
	},
}

// Attack C15: wherever a login with pipelined commands behind it is split, and
// in pieces of one octet too, the answers are the same. So they are when the
// octets of TLS beneath are split.
func TestLoginSplitAtEveryOffset(t *testing.T) {
	_, address := serveDemo(t, 1, []byte("Subject: x\r\n\r\nbody\r\n"))
	s := newStand(t, address)
	defer s.close()
	for _, login := range splitLogins {
		for at := range len(login.script) {
			got, err := s.split(login.script, func(c net.Conn) net.Conn { return poptest.SplitAt(c, at) }, nil)
			if err != nil || got != login.want {
				t.Errorf("%s split at %d: %q, %v", login.name, at, got, err)
			}
		}
		single := func(c net.Conn) net.Conn { return poptest.SplitEvery(c, 1) }
		for name, layers := range map[string][2]func(net.Conn) net.Conn{
			"single octets":                {single, nil},
			"single octets of TLS":         {nil, single},
			"single octets of both":        {single, single},
			"all in one":                   {nil, nil},
			"pieces of 7, and of 11 below": {every(7), every(11)},
		} {
			if got, err := s.split(login.script, layers[0], layers[1]); err != nil || got != login.want {
				t.Errorf("%s in %s: %q, %v", login.name, name, got, err)
			}
		}
	}
}

func every(n int) func(net.Conn) net.Conn {
	return func(c net.Conn) net.Conn { return poptest.SplitEvery(c, n) }
}

// split sends a script through layers above and below TLS and returns what
// comes after the greeting.
func (s *stand) split(script string, above, below func(net.Conn) net.Conn) (string, error) {
	under, err := s.raw()
	if err != nil {
		return "", err
	}
	defer under.Close()
	var wire net.Conn = under
	if below != nil {
		wire = below(under)
	}
	m := newMail(under, wire, s.tls)
	// With the greeting the handshake is over: TLS has one record a write.
	if err := m.ask("", "+OK pop.example.com POP3 ready"); err != nil {
		return "", err
	}
	var out net.Conn = m
	if above != nil {
		out = above(m)
	}
	if _, err := io.WriteString(out, script); err != nil {
		return "", err
	}
	got, err := io.ReadAll(m.in)
	return string(got), err
}

// Attack C15 in clear: a session before STLS is split everywhere, too.
func TestClearSplitAtEveryOffset(t *testing.T) {
	s := newStand(t, "127.0.0.1:1", func(p *plan) { p.settings.Listeners[0].StartTLS = true })
	defer s.close()
	const script = "NOOP\r\nUSER joe\r\nXYZZY\r\nSTLS\r\n"
	const want = "+OK pop.example.com POP3 ready\r\n+OK\r\n-ERR use STLS first\r\n-ERR unknown command\r\n+OK begin TLS\r\n"
	for at := range len(script) {
		under, err := s.raw()
		if err != nil {
			t.Fatal(err)
		}
		// Small segments leave at once, as Go sets TCP_NODELAY.
		if _, err := io.WriteString(poptest.SplitAt(under, at), script); err != nil {
			t.Error(err)
		}
		got := make([]byte, len(want))
		if _, err := io.ReadFull(under, got); err != nil || string(got) != want {
			t.Errorf("split at %d: %q, %v", at, got, err)
		}
		m := newMail(under, under, s.tls)
		if err := m.asks("QUIT", "+OK bye"); err != nil {
			t.Errorf("split at %d: %v", at, err)
		}
		_ = under.Close()
	}
}

// Attack C14, D12: the password and what follows it are each taken once, at any
// length around the sizes of buffers.
func TestPipelinedAtEveryLength(t *testing.T) {
	_, address := serveDemo(t, 1)
	s := newStand(t, address)
	defer s.close()
	for _, length := range []int{1, 2, 255, 256, 480, 500, 510, 511, 512, 513, 1024, 4096, 16384, 40000} {
		count := (length + 5) / 6
		script := "USER user0\r\nPASS sesame\r\n" + strings.Repeat("NOOP\r\n", count) + "QUIT\r\n"
		want := "+OK\r\n+OK 0 messages\r\n" + strings.Repeat("+OK nothing done\r\n", count) + "+OK bye, 0 messages removed\r\n"
		if got, err := s.split(script, nil, nil); err != nil || got != want {
			t.Errorf("%d commands behind PASS: %d octets of %d, %v", count, len(got), len(want), err)
		}
	}
	if n := s.number("popgate_logins_total", "ok"); n != 14 {
		t.Errorf("%v logins", n)
	}
}
