package admin

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	f.Fuzz(func(t *testing.T, method, path, host string) {
		var asked string
		s, _ := newServer(t, stock{probe: func(host string) (Probe, error) {
			asked = host
			return Probe{}, nil
		}})
		if r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(fmt.Sprintf("%s %s HTTP/1.1\r\nHost: x\r\n\r\n", method, path)))); err == nil {
			answer := httptest.NewRecorder()
			s.http.Handler.ServeHTTP(answer, overSocket(r))
			checkAnswer(t, answer)
			// Over TCP nobody knows the name.
			answer = httptest.NewRecorder()
			s.http.Handler.ServeHTTP(answer, r.Clone(t.Context()))
			if answer.Code < 400 {
				t.Errorf("%s %s: status %d under an unknown name", method, path, answer.Code)
			}
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

// overSocket makes r a request that came over the unix socket.
func overSocket(r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), viaSocket{}, true))
}

// checkAnswer fails unless an answer is one of the API's.
func checkAnswer(t *testing.T, answer *httptest.ResponseRecorder) {
	t.Helper()
	if strings.HasPrefix(answer.Header().Get("Content-Type"), "text/plain; version=") {
		return // metrics
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
