package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// challengePath is where HTTP-01 looks (RFC 8555 §8.3).
const challengePath = "/.well-known/acme-challenge/"

// TestChallengePortSaysNothingElse: who asks the port of HTTP-01 for anything but the answer to a challenge that is
// under way, by whatever name and method, hears that it isn't there.
func TestChallengePortSaysNothingElse(t *testing.T) {
	t.Parallel()
	s := listening(t)
	token := strings.Repeat("token", 9)
	for _, test := range []struct{ method, host, path string }{
		{"GET", acmeHost, challengePath + token},
		{"HEAD", acmeHost, challengePath + token},
		{"GET", fmt.Sprintf("%s:%d", acmeHost, s.httpPort), challengePath + token},
		{"GET", acmeHost, challengePath},
		{"GET", acmeHost, challengePath + "../../etc/passwd"},
		{"GET", acmeHost, challengePath + "acme_account+key"},
		{"GET", acmeHost, challengePath + acmeHost},
		{"GET", acmeHost, "/"},
		{"GET", acmeHost, "/" + token},
		{"GET", "pop.stranger.example", challengePath + token},
		{"GET", "127.0.0.1", challengePath + token},
		{"POST", acmeHost, challengePath + token},
		{"PUT", acmeHost, challengePath + token},
		{"OPTIONS", acmeHost, challengePath + token},
	} {
		code, body := s.asks(t, test.method, test.host, test.path)
		if code != 404 && (code != 405 || test.method == "GET") {
			t.Errorf("%v: code %d, want 404", test, code)
		}
		if strings.Contains(body, token) || strings.Contains(body, acmeHost) {
			t.Errorf("%v is repeated in %q", test, body)
		}
	}
}

// TestChallengeIsForItsHostOnly: while a CA validates a host by HTTP-01, its token is answered for that host, whatever
// the port in the name, and for no other.
func TestChallengeIsForItsHostOnly(t *testing.T) {
	t.Parallel()
	ca := startPebble(t, pebbleOptions{down: true})
	s := newSite(t, ca, acmeHost)
	s.https = false
	g := s.between(t, &ca.http)
	s.start(t)
	g.wait(t)
	ca.log.wait(t, 1, pebbleHTTP.String())
	path := challengePath + filepath.Base(pebbleHTTP.FindStringSubmatch(ca.log.text())[1])
	for _, test := range []struct {
		method, host, path string
		code               int
	}{
		{"GET", acmeHost, path, 200},
		{"GET", strings.ToUpper(acmeHost) + ":80", path, 200},
		{"GET", "pop.stranger.example", path, 404},
		{"GET", "127.0.0.1", path, 404},
		{"GET", acmeHost, path + "x", 404},
		{"GET", acmeHost, path + "/", 404},
		{"POST", acmeHost, path, 404},
	} {
		if code, _ := s.asks(t, test.method, test.host, test.path); code != test.code {
			t.Errorf("%v: code %d", test, code)
		}
	}
	g.open()
	s.obtains(t, acmeHost)
	if code, _ := s.asks(t, "GET", acmeHost, path); code != 404 {
		t.Errorf("the token is answered with %d after its order has ended", code)
	}
}

// asks sends one request to the port of HTTP-01 and returns the code and the body of the answer.
func (s *site) asks(t testing.TB, method, host, path string) (code int, body string) {
	t.Helper()
	client := &http.Client{
		Timeout:       patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "tcp", loopback(s.httpPort))
			},
		},
	}
	request, err := http.NewRequest(method, "http://"+host+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer answer.Body.Close()
	all, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(all)
}

// TestChallengePortHasLimits: requests that are too large, and clients that say nothing or nothing to the point, are
// sent away; the port works on.
func TestChallengePortHasLimits(t *testing.T) {
	t.Parallel()
	s := listening(t)
	idle := connect(t, endpoint{port: s.httpPort})
	slow := connect(t, endpoint{port: s.httpPort})
	slow.raw("GET " + challengePath)

	large := connect(t, endpoint{port: s.httpPort})
	// The rest of the request may meet a closed connection.
	fmt.Fprintf(large, "GET / HTTP/1.1\r\nHost: %s\r\nX: %s\r\n\r\n", acmeHost, strings.Repeat("x", 1<<20))
	if answer, err := http.ReadResponse(bufio.NewReader(large), nil); err == nil && answer.StatusCode != 431 {
		t.Errorf("a header of 1 MiB: %s", answer.Status)
	}
	if answer := saysHTTP(t, s, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"); strings.Contains(answer, " 200 ") {
		t.Errorf("a TLS hello is answered %q", answer)
	}
	if answer := saysHTTP(t, s, "GET / HTTP/1.1\r\n\r\n"); strings.Contains(answer, " 200 ") {
		t.Errorf("a request without a host is answered %q", answer)
	}
	began := time.Now()
	for name, w := range map[string]*wire{"nothing": idle, "half a line": slow} {
		if rest := w.end(); strings.Contains(rest, " 200 ") {
			t.Errorf("who says %s gets %q", name, rest)
		}
	}
	if took := time.Since(began); took > patience {
		t.Errorf("silent clients are let stay for %v", took)
	}
	s.renew(t, acmeHost)
}

// saysHTTP sends the bytes to the port of HTTP-01 and returns what comes back before the connection's end.
func saysHTTP(t testing.TB, s *site, request string) string {
	t.Helper()
	w := connect(t, endpoint{port: s.httpPort})
	w.raw(request)
	if tcp, ok := w.Conn.(*net.TCPConn); ok {
		tcp.CloseWrite()
	}
	return w.end()
}

// listening makes a site that has its certificate and answers HTTP-01 only.
func listening(t testing.TB) *site {
	t.Helper()
	s := newSite(t, startPebble(t, pebbleOptions{}), acmeHost)
	s.https = false
	s.start(t)
	s.obtains(t, acmeHost)
	return s
}
