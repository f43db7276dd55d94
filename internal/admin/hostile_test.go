package admin

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"popgate/internal/poptest"
)

// virtual is a server on an in-memory network, in virtual time.
type virtual struct {
	t        *testing.T
	listener *poptest.Listener
	log      *logBook
}

// serveVirtually starts a server in a synctest bubble.
func serveVirtually(t *testing.T, p program) *virtual {
	s, book := newServer(t, p)
	v := &virtual{t: t, listener: poptest.NewNetwork().Listen("admin"), log: book}
	go func() {
		if err := s.Serve(asSocket{v.listener}); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { _ = s.Close() })
	return v
}

// asSocket is a listener whose connections look like those of a unix socket.
type asSocket struct{ net.Listener }

func (a asSocket) Accept() (net.Conn, error) {
	conn, err := a.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return socketConn{conn}, nil
}

type socketConn struct{ net.Conn }

func (socketConn) LocalAddr() net.Addr { return &net.UnixAddr{Name: "virtual", Net: "unix"} }

func (v *virtual) dial() net.Conn {
	v.t.Helper()
	conn, err := v.listener.Dial(netip.MustParseAddrPort("127.0.0.1:1"))
	must(v.t, err)
	v.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func (v *virtual) write(conn net.Conn, text string) {
	v.t.Helper()
	_, err := io.WriteString(conn, text)
	must(v.t, err)
}

// wantClosed fails unless the server closes conn within a time.
func wantClosed(t *testing.T, name string, conn net.Conn, within time.Duration) {
	t.Helper()
	began := time.Now()
	_, err := io.Copy(io.Discard, conn)
	if took := time.Since(began); took > within {
		t.Errorf("%s: closed after %v, want %v (%v)", name, took, within, err)
	}
}

// TestSlowClients: every phase of a request has a limit.
func TestSlowClients(t *testing.T) {
	for _, tt := range []struct {
		name, begin, drip string
		within            time.Duration
	}{
		{"silent", "", "", headerTime},
		{"half a line", "GET /v1/cert", "", headerTime},
		{"dripping header", "GET /v1/certificates HTTP/1.1\r\n", "A: b\r\n", headerTime},
		{"no body", "POST /v1/certificates/x/renew HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n", "", requestTime},
		{"dripping body", "POST /v1/certificates/x/renew HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n", "x", requestTime},
		{"idle", "GET /v1/certificates HTTP/1.1\r\nHost: x\r\n\r\n", "", idleTime},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn := serveVirtually(t, stock{}).dial()
				_, err := io.WriteString(conn, tt.begin)
				must(t, err)
				var dripping sync.WaitGroup
				defer dripping.Wait()
				if tt.drip != "" {
					dripping.Go(func() {
						for err == nil {
							time.Sleep(time.Second)
							_, err = io.WriteString(conn, tt.drip)
						}
					})
				}
				// net/http lingers for half a second after an answer to half a request.
				wantClosed(t, tt.name, conn, tt.within+time.Second)
			})
		})
	}
}

// TestDeafClient: an answer that nobody takes has a limit.
func TestDeafClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		long := stock{list: make([]Certificate, 1000)}
		for i := range long.list {
			long.list[i] = sample()
		}
		conn := serveVirtually(t, long).dial()
		_, err := io.WriteString(conn, "GET /v1/certificates HTTP/1.1\r\nHost: x\r\n\r\n")
		must(t, err)
		time.Sleep(sendTime + time.Second)
		data, _ := io.ReadAll(conn)
		if len(data) > 2*poptest.DefaultBuffer {
			t.Errorf("%d octets still came", len(data))
		}
	})
}

// TestLargeHeader: 16 KiB, and what net/http adds to it.
func TestLargeHeader(t *testing.T) {
	r := serve(t, stock{})
	for size, status := range map[int]int{maxHeader / 2: 200, 2 * maxHeader: 431, 1 << 20: 431} {
		conn := r.dial(t)
		go fmt.Fprintf(conn, "GET /v1/certificates HTTP/1.1\r\nHost: x\r\nA: %s\r\n\r\n", strings.Repeat("x", size))
		if answer, _ := readAnswer(t, conn, "GET"); answer.StatusCode != status {
			t.Errorf("%d octets: %s, want %d", size, answer.Status, status)
		}
	}
}

// TestLargeBody: what comes after the limit is not read.
func TestLargeBody(t *testing.T) {
	r := serve(t, stock{})
	for _, header := range []string{"Content-Length: 1000000000000", "Transfer-Encoding: chunked"} {
		conn := r.dial(t)
		sent := make(chan int64, 1)
		go func() {
			fmt.Fprintf(conn, "POST /v1/certificates/x/renew HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n", header)
			n, _ := io.Copy(conn, endless{})
			sent <- n
		}()
		answer, body := readAnswer(t, conn, "POST")
		if failed := refusal(t, body); answer.StatusCode != 413 || failed.Code != CodeTooLarge {
			t.Errorf("%s: %s, %+v", header, answer.Status, failed)
		}
		// The server has closed: the writer can't go on for ever.
		if n := <-sent; n > 8<<20 {
			t.Errorf("%s: %d octets were taken", header, n)
		}
	}
}

// endless reads as chunks of one octet and their frames, which are also a body.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	const chunk = "1\r\nx\r\n"
	if len(p) < len(chunk) {
		return 0, io.ErrShortBuffer
	}
	n := 0
	for n+len(chunk) <= len(p) {
		n += copy(p[n:], chunk)
	}
	return n, nil
}

// TestNoRequests: what is no HTTP is answered or closed, and the server goes on.
func TestNoRequests(t *testing.T) {
	r := serve(t, stock{})
	for _, text := range []string{
		"", "\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "USER joe\r\nPASS secret\r\n", "GET /v1/certificates HTTP/1.1\r\n\r\n",
		"GET /v1/certificates HTTP/9.9\r\nHost: x\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET /v1/certificates HTTP/1.1\r\nHost: x\r\nHo",
		"POST /v1/certificates/x/renew HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab",
		"GET /v1/certificates HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "GET " + strings.Repeat("/", 10_000) + " HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		conn := r.dial(t)
		_, err := io.WriteString(conn, text)
		must(t, err)
		must(t, conn.(*net.UnixConn).CloseWrite())
		answer, err := io.ReadAll(conn)
		must(t, err)
		if strings.Contains(string(answer), " 200 ") {
			t.Errorf("%.60q: answered with %.200q", text, answer)
		}
	}
	_, err := r.client().Certificates(t.Context())
	must(t, err)
	r.log.want(t, 0, "secret")
	r.log.want(t, 0, "[ERROR]")
}

// TestManyConnections: a connection over the limit is closed, and there is
// room again when others have gone.
func TestManyConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := serveVirtually(t, stock{})
		conns := make([]net.Conn, maxConnections)
		for i := range conns {
			conns[i] = v.dial()
		}
		synctest.Wait()
		wantClosed(t, "one too many", v.dial(), 0)
		must(t, conns[0].Close())
		synctest.Wait()
		conn := v.dial()
		v.write(conn, "GET /v1/certificates HTTP/1.1\r\nHost: x\r\n\r\n")
		if answer, _ := readAnswer(t, conn, "GET"); answer.StatusCode != 200 {
			t.Errorf("when there was room: %s", answer.Status)
		}
	})
}

// TestAtOnce: many clients at once, each with its own answer.
func TestAtOnce(t *testing.T) {
	r := serve(t, stock{
		list:  []Certificate{sample()},
		probe: func(host string) (Probe, error) { return Probe{HTTPBody: host}, nil },
	})
	var wait sync.WaitGroup
	for n := range maxConnections / 2 {
		wait.Go(func() {
			host := fmt.Sprintf("host-%d.example.com", n)
			for range 10 {
				probe, err := r.client().Probe(t.Context(), host)
				if err != nil || probe.HTTPBody != host {
					t.Errorf("%s: %q, %v", host, probe.HTTPBody, err)
				}
				if list, err := r.client().Certificates(t.Context()); err != nil || len(list) != 1 {
					t.Errorf("%d certificates, %v", len(list), err)
				}
				if _, err := r.client().Renew(t.Context(), host); !errors.Is(err, ErrUnknownHost) {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
}
