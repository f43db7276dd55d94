package autoconfig_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"popgate/internal/autoconfig"
)

// servedConn runs ServeConn on one end of a pipe and returns the other; over is closed
// when it has returned.
func servedConn(ctx context.Context) (conn net.Conn, over <-chan struct{}) {
	client, server := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		serving(autoconfig.Options{}).ServeConn(ctx, server)
	}()
	return client, done
}

// A connection is good for one request, and closed then.
func TestServeConn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, over := servedConn(t.Context())
		var talking sync.WaitGroup
		defer talking.Wait()
		talking.Go(func() {
			_, _ = io.WriteString(conn, strings.Repeat("GET "+thunderbirdPath+" HTTP/1.1\r\nHost: autoconfig.example.com\r\n\r\n", 2))
		})
		in := bufio.NewReader(conn)
		answer, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != 200 || !answer.Close || !strings.Contains(string(body), "<hostname>pop.example.com</hostname>") {
			t.Errorf("%s, %v: %s", answer.Status, err, body)
		}
		if rest, err := io.ReadAll(in); len(rest) > 0 {
			t.Errorf("then %q, %v", rest, err)
		}
		<-over
		_ = conn.Close()
	})
}

// Who says nothing, or says it slowly, or says too much, is let go in time.
func TestServeConnIsBounded(t *testing.T) {
	for name, talk := range map[string]func(net.Conn){
		"nothing": func(net.Conn) {},
		"half":    func(c net.Conn) { _, _ = io.WriteString(c, "GET / HT") },
		"slowly": func(c net.Conn) {
			for _, err := io.WriteString(c, "POST "+autodiscoverPath+" HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n"); err == nil; _, err = c.Write([]byte(" ")) {
				<-time.After(time.Second)
			}
		},
		"large header": func(c net.Conn) {
			_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", 1<<20))
		},
		"no HTTP": func(c net.Conn) { _, _ = io.WriteString(c, "USER joe\r\nPASS sesame\r\n") },
		"closes":  func(c net.Conn) { _ = c.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				conn, over := servedConn(t.Context())
				var talking sync.WaitGroup
				talking.Go(func() { talk(conn) })
				defer talking.Wait()
				answer, _ := io.ReadAll(conn)
				<-over
				if took := time.Since(began); took > 11*time.Second {
					t.Errorf("it took %v", took)
				}
				if len(answer) > 0 && (!strings.HasPrefix(string(answer), "HTTP/1.1 4") || strings.Contains(string(answer), "sesame")) {
					t.Errorf("it says %q", answer)
				}
				_ = conn.Close()
			})
		})
	}
}

// The end of the context ends it at once.
func TestServeConnEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		conn, over := servedConn(ctx)
		synctest.Wait()
		began := time.Now()
		cancel()
		<-over
		if took := time.Since(began); took > 0 {
			t.Errorf("it took %v", took)
		}
		_ = conn.Close()
	})
}
