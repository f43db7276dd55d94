package admin

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzDecode: whatever stands in an answer, the client has either a value or an
// error with a text that is fit to be shown.
func FuzzDecode(f *testing.F) {
	f.Add(200, `{"certificates":[{"name":"x","source":"acme","state":"valid","not_after":"2026-03-01T12:00:00Z","days_left":-3}]}`)
	f.Add(502, `{"error":{"code":"order_failed","message":"a\u001b[2J","problem":{"type":"urn:x","detail":"d"}}}`)
	f.Add(429, `{"error":{"code":"paused","message":"m","retry_after":60}}`)
	f.Add(500, `{"error":null}`)
	f.Add(431, "431 Request Header Fields Too Large")
	f.Fuzz(func(t *testing.T, status int, body string) {
		var list certificateList
		err := decode(status, strings.NewReader(body), &list)
		var refused *Error
		switch {
		case err == nil:
			if status != http.StatusOK {
				t.Errorf("status %d is no error", status)
			}
			return
		case err.Error() == "":
			t.Error("an error without a text")
		case errors.As(err, &refused):
			if status == http.StatusOK || !fit(refused.Error()) || refused.Problem != nil && !fit(refused.Problem.Detail) {
				t.Errorf("status %d: %q, %+v", status, refused, refused.Problem)
			}
		case !errors.Is(err, errAnswer):
			t.Errorf("%v", err)
		}
	})
}

// FuzzRequest: whatever is asked for, the answer is one of the API's, and the
// program is asked about the very host that a path holds.
func FuzzRequest(f *testing.F) {
	f.Add("GET", "/v1/certificates", "")
	f.Add("POST", "/v1/certificates/pop.example.com/renew", "pop.example.com")
	f.Add("POST", "/v1/certificates/%2e%2E/renew", "..")
	f.Add("POST", "/v1/certificates/a%2Fb%00/probe", "a/b")
	f.Add("DELETE", "//v1/../certificates?x#y", "bücher")
	f.Add("OPTIONS", "*", "")
	f.Add("DELETE", "/v1/blocks/2001:db8::%2F64?user=bob", "x")
	f.Add("DELETE", "/v1/blocks/all?user=%zz&user", "x")
	f.Add("POST", "/v1/explain", "x")
	for _, path := range []string{"/", "/v1/sessions/id", "/v1/blocks", "/v1/status", "/metrics", "/readyz", "/debug/pprof/"} {
		f.Add("GET", path, "x")
	}
	f.Add("POST", "/v1/drain", "x")
	f.Add("PUT", "/v1/log", "x")
	f.Add("POST", "/debug/pprof", "x")
	f.Add("CONNECT", "/debug/%70prof", "x")
	f.Fuzz(func(t *testing.T, method, path, host string) {
		var asked string
		p := watched()
		p.probe = func(host string) (Probe, error) {
			asked = host
			return Probe{}, nil
		}
		s, _ := newServer(t, p)
		if r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(fmt.Sprintf("%s %s HTTP/1.1\r\nHost: x\r\n\r\n", method, path)))); err == nil {
			answer := httptest.NewRecorder()
			s.http.Handler.ServeHTTP(answer, overSocket(r))
			checkAnswer(t, answer)
			checkTCP(t, s, r)
		}

		r, err := http.NewRequest(http.MethodPost, "http://popgate"+hostPath(host, "probe"), http.NoBody)
		if err != nil {
			t.Fatalf("the client can't ask for %q: %v", host, err)
		}
		answer := httptest.NewRecorder()
		s.http.Handler.ServeHTTP(answer, overSocket(r))
		checkAnswer(t, answer)
		// These are no segment of a path, not even escaped, and the answer is 404.
		odd := host == "" || host == "." || host == ".." || host == "/"
		if answer.Code == 200 && asked != host || odd == (answer.Code == 200) {
			t.Errorf("%q: status %d, asked for %q", host, answer.Code, asked)
		}
	})
}

// checkTCP makes a request over TCP: without a token it changes nothing and shows
// no user's name, and under an unknown name it gets nothing at all.
func checkTCP(t *testing.T, s *Server, r *http.Request) {
	t.Helper()
	for _, host := range []string{"x", "127.0.0.1:9110"} {
		r := r.Clone(t.Context())
		r.Host = host
		answer := httptest.NewRecorder()
		s.http.Handler.ServeHTTP(answer, r)
		checkAnswer(t, answer)
		if answer.Code < 400 && (host == "x" || r.Method != http.MethodGet && r.Method != http.MethodHead) {
			t.Errorf("%s %s at %s: status %d", r.Method, r.URL, host, answer.Code)
		}
		if strings.Contains(answer.Body.String(), "bob@example.com") {
			t.Errorf("%s %s shows a name", r.Method, r.URL)
		}
	}
}

// FuzzAccess: a request is taken only if it is for an address or a name that is
// known, and no page of another origin has made it.
func FuzzAccess(f *testing.F) {
	for _, seed := range [][3]string{
		{"127.0.0.1:9110", "http://127.0.0.1:9110", ""}, {"[::1]", "", "same-origin"}, {"popgate.internal.", "null", "cross-site"},
		{"localhost.evil.example", "http://evil.example", "none"}, {"[fe80::1%25eth0]:1", "http://x@localhost", "same-site"},
		{"localhost", "http://localhost#@evil.example", ""}, {"1.2.3.4:5:6", "//1.2.3.4", ""}, {"[localhost]", "http://[localhost]", ""},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	access := &Access{Hosts: []string{"popgate.internal"}}
	f.Fuzz(func(t *testing.T, host, origin, site string) {
		if !access.knows(host) {
			return
		}
		// A port is behind the last colon, unless that is one of an IPv6 address.
		name := strings.ToLower(host)
		if i := strings.LastIndexByte(name, ':'); i >= 0 && (strings.HasSuffix(name[:i], "]") || strings.Count(name, ":") == 1) {
			name = name[:i]
		}
		name = strings.Trim(strings.TrimSuffix(name, "."), "[]")
		address, _, _ := strings.Cut(name, "%")
		if net.ParseIP(address) == nil && name != "localhost" && name != "popgate.internal" {
			t.Errorf("%q is known", host)
		}

		r := &http.Request{Method: http.MethodPost, Host: host, Header: http.Header{"Origin": {origin}, "Sec-Fetch-Site": {site}}}
		if foreignOrigin(r) {
			return
		}
		if origin == "" {
			if site != "" && site != "none" && site != "same-origin" {
				t.Errorf("a page that is %q may ask", site)
			}
			return
		}
		// What a browser goes to: behind the slashes, up to the path, behind a
		// user's name.
		_, from, _ := strings.Cut(origin, "//")
		if end := strings.IndexAny(from, "/?#"); end >= 0 {
			from = from[:end]
		}
		if from = from[strings.LastIndexByte(from, '@')+1:]; from != host {
			t.Errorf("a page of %q may ask %q", origin, host)
		}
	})
}

// overSocket makes r a request that came over the unix socket.
func overSocket(r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), viaSocket{}, true))
}

// checkAnswer fails unless an answer is one of the API's.
func checkAnswer(t *testing.T, answer *httptest.ResponseRecorder) {
	t.Helper()
	kind := answer.Header().Get("Content-Type")
	if answer.Code == http.StatusOK && (strings.HasPrefix(kind, "text/plain; version=") || strings.HasPrefix(kind, "text/html")) {
		return // metrics, the page
	}
	wantHeader(t, answer.Result())
	if !json.Valid(answer.Body.Bytes()) {
		t.Errorf("no JSON: %q", answer.Body)
	}
	if answer.Code == http.StatusOK {
		return
	}
	if failed := refusal(t, answer.Body.Bytes()); statuses[failed.Code] != answer.Code {
		t.Errorf("status %d: %+v", answer.Code, failed)
	}
}
