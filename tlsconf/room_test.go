package tlsconf

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Strangers who hold all connections, and many more, don't keep a CA waiting.
func TestIdleStrangersDontKeepACAOut(t *testing.T) {
	raw, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	server := NewChallengeServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "here") }))
	l := LimitChallenges(raw)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	defer func() {
		must(t, server.Close())
		<-served
	}()
	for range 4 * ChallengeConnections {
		conn, err := net.Dial("tcp", raw.Addr().String())
		must(t, err)
		defer conn.Close()
	}
	conn, err := net.Dial("tcp", raw.Addr().String())
	must(t, err)
	defer conn.Close()
	must(t, conn.SetDeadline(time.Now().Add(time.Second)))
	_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: pop.example.com\r\n\r\n")
	must(t, err)
	answer, err := io.ReadAll(conn)
	if !strings.HasSuffix(string(answer), "here") {
		t.Errorf("got %q, %v", answer, err)
	}
	if n := l.(*room).size(); n > ChallengeConnections {
		t.Errorf("%d guests", n)
	}
}
