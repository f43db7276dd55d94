package backend

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"

	"popgate/bench/internal/maildrop"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start runs a server on loopback and stops it when the test ends.
func start(t *testing.T, run func(context.Context, net.Listener) error) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	return listener.Addr().String()
}

// exchange sends all input at once and returns all that comes until the
// server closes.
func exchange(t *testing.T, address, input string) string {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, input); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

func servePOP3(messages []maildrop.Message) func(context.Context, net.Listener) error {
	return func(ctx context.Context, l net.Listener) error {
		return ServePOP3(ctx, l, Options{Password: "sesame", Messages: messages})
	}
}

func TestPOP3Dialogue(t *testing.T) {
	small := maildrop.New(maildrop.Small)
	messages := []maildrop.Message{small, small, small}
	address := start(t, servePOP3(messages))
	const hello, ok, no = "+OK bench ready\r\n", "+OK\r\n", "-ERR no\r\n"
	for _, test := range []struct{ name, input, want string }{
		{"quit at once", "QUIT\r\n", hello + ok},
		{"login", "USER a\r\nPASS sesame\r\nSTAT\r\nNOOP\r\nQUIT\r\n", hello + ok + ok + maildrop.Stat(messages) + ok + ok},
		{"capabilities", "CAPA\r\nQUIT\r\n", hello + string(replyCapa) + ok},
		{"wrong password", "USER a\r\nPASS sesame \r\nSTAT\r\nQUIT\r\n", hello + ok + no + no + ok},
		{"no USER right before PASS", "PASS sesame\r\nUSER a\r\nSTAT\r\nPASS sesame\r\nQUIT\r\n", hello + no + ok + no + no + ok},
		{"no such message", "USER a\r\nPASS sesame\r\nRETR 0\r\nRETR 4\r\nRETR x\r\nRETR\r\nQUIT\r\n", hello + ok + ok + no + no + no + no + ok},
		{"second login", "USER a\r\nPASS sesame\r\nUSER b\r\nPASS sesame\r\nQUIT\r\n", hello + ok + ok + no + no + ok},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := exchange(t, address, test.input); got != test.want {
				t.Errorf("got\n%q, want\n%q", got, test.want)
			}
		})
	}
}

func TestPOP3SendsMessagesWhole(t *testing.T) {
	messages := maildrop.Standard()
	address := start(t, servePOP3(messages))
	got := exchange(t, address, "USER a\r\nPASS sesame\r\nRETR 3\r\nRETR 1\r\nQUIT\r\n")
	want := "+OK bench ready\r\n+OK\r\n+OK\r\n" + string(messages[2].Reply) + string(messages[0].Reply) + "+OK\r\n"
	if !bytes.Equal([]byte(got), []byte(want)) {
		t.Errorf("got %d octets, want %d, or others of them", len(got), len(want))
	}
}

func TestStopClosesOpenSessions(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- ServePOP3(ctx, listener, Options{}) }()
	c, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.ReadFull(c, make([]byte, len(replyGreeting))); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("the server ended with %v", err)
	}
	if n, err := c.Read(make([]byte, 1)); err == nil {
		t.Errorf("read %d octets from a stopped server", n)
	}
}

func TestAuthNamesTheBackend(t *testing.T) {
	target := netip.MustParseAddrPort("127.0.0.1:1110")
	address := start(t, func(ctx context.Context, l net.Listener) error { return ServeAuth(ctx, l, target) })
	got := exchange(t, address, "GET /auth HTTP/1.0\r\nHost: x\r\nAuth-Method: plain\r\nAuth-User: a\r\n\r\n")
	want := "HTTP/1.0 200 OK\r\nAuth-Status: OK\r\nAuth-Server: 127.0.0.1\r\nAuth-Port: 1110\r\n\r\n"
	if got != want {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
}
