package tlsconf

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"
)

// roundTripper is a function as the network.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answer is what a CA says.
func answerOf(status int, body string, header ...string) *http.Response {
	w := httptest.NewRecorder()
	for i := 0; i+1 < len(header); i += 2 {
		w.Header().Set(header[i], header[i+1])
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
	return w.Result()
}

// newWire is an order's way to a CA that always says the same.
func newWire(t testing.TB, res func() *http.Response) *wire {
	return &wire{
		base: roundTripper(func(*http.Request) (*http.Response, error) {
			if r := res(); r != nil {
				return r, nil
			}
			return nil, errors.New("connection refused")
		}),
		directory: "https://ca.test/directory", challenge: HTTP01, now: time.Now, over: t.Context(),
	}
}

func (w *wire) get(t testing.TB, url string) (string, error) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader("{}"))
	must(t, err)
	res, err := w.RoundTrip(req)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(res.Body)
	must(t, err)
	if int64(len(body)) != res.ContentLength {
		t.Errorf("content length %d of %d octets", res.ContentLength, len(body))
	}
	return string(body), nil
}

// The CA's own words are what an order fails with, whatever autocert makes of it.
func TestBlame(t *testing.T) {
	opaque := errors.New("acme/autocert: unable to satisfy: no viable challenge type found")
	for name, test := range map[string]struct {
		answer *http.Response // nil: none comes
		want   OrderError
	}{
		"problem document": {
			answerOf(403, `{"type":"urn:ietf:params:acme:error:caa","detail":"CAA forbids"}`),
			OrderError{Type: "caa", Detail: "CAA forbids"}},
		"rate limit": {
			answerOf(429, `{"type":"urn:ietf:params:acme:error:RateLimited","detail":"too many"}`, "Retry-After", "60"),
			OrderError{Type: rateLimited, Detail: "too many", RetryAfter: time.Minute}},
		"failed validation": {
			answerOf(200, `{"status":"invalid","challenges":[{"type":"http-01","status":"invalid","error":{"type":"urn:ietf:params:acme:error:dns","detail":"NXDOMAIN"}}]}`),
			OrderError{Type: "dns", Detail: "NXDOMAIN", Validation: true}},
		"failed order": {
			answerOf(200, `{"status":"invalid","error":{"type":"urn:ietf:params:acme:error:badCSR","detail":"weak","subproblems":[{"detail":"one"},{"detail":"two"}]}}`),
			OrderError{Type: "badCSR", Detail: "weak; one; two"}},
		"no problem document": {
			answerOf(502, "<html>bad gateway"),
			OrderError{Type: ProblemNetwork, Detail: "POST https://ca.test/x: 502 Bad Gateway"}},
		"no answer":    {nil, OrderError{Type: ProblemNetwork, Detail: "connection refused"}},
		"all was well": {answerOf(200, "{}"), OrderError{Type: ProblemCertificate, Detail: opaque.Error()}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWire(t, func() *http.Response { return test.answer })
			_, _ = w.get(t, "https://ca.test/x")
			got := w.blame(opaque)
			if got.Err == nil {
				t.Error("the cause is lost")
			}
			got.Err = nil
			if !reflect.DeepEqual(*got, test.want) {
				t.Errorf("%+v, want %+v", *got, test.want)
			}
		})
	}
}

func TestWireToleratesNoSecondOrder(t *testing.T) {
	w := newWire(t, func() *http.Response { return answerOf(200, `{"newOrder":"https://ca.test/new-order"}`) })
	_, err := w.get(t, "https://ca.test/directory")
	must(t, err)
	_, err = w.get(t, "https://ca.test/new-order")
	must(t, err)
	if _, err = w.get(t, "https://ca.test/new-order"); !errors.Is(err, errOneOrder) {
		t.Errorf("the second order: %v", err)
	}
	_, err = w.get(t, "https://ca.test/authz/1")
	must(t, err)
}

func TestWireBounds(t *testing.T) {
	w := newWire(t, func() *http.Response { return answerOf(200, strings.Repeat("x", maxAnswer+1)) })
	if _, err := w.get(t, "https://ca.test/x"); err == nil {
		t.Error("an endless answer is read")
	}
	if problem := w.blame(errors.New("x")); problem.Type != ProblemNetwork {
		t.Errorf("blamed is %v", problem)
	}
}

func TestClockSkewIsTold(t *testing.T) {
	for offset, want := range map[time.Duration]string{
		30 * time.Minute:     "",
		-30 * time.Minute:    "",
		100 * 24 * time.Hour: "this machine's clock is 2400h0m0s behind the CA's",
		-3 * time.Hour:       "this machine's clock is 3h0m0s ahead of the CA's",
	} {
		date := time.Now().Add(offset).UTC().Format(http.TimeFormat)
		w := newWire(t, func() *http.Response { return answerOf(500, "", "Date", date) })
		_, _ = w.get(t, "https://ca.test/x")
		if text := w.blame(errors.New("x")).Error(); want != "" && !strings.Contains(text, want) || want == "" && strings.Contains(text, "clock") {
			t.Errorf("%v: %s", offset, text)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, "90": 90 * time.Second, "-1": 0, "1e3": 0, " 5": 0, "99999999999": 0,
		"2147483647":                    maxRetryAfter,
		"Fri, 02 Jan 2026 03:05:05 GMT": time.Minute,
		"Fri, 02 Jan 2026 03:00:00 GMT": 0,
		"Fri, 02 Jan 2099 03:00:00 GMT": maxRetryAfter,
		"tomorrow":                      0,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}

// FuzzStrike: whatever an answer is, what is left of it is the same but for the
// challenges, which are all of the chosen type.
func FuzzStrike(f *testing.F) {
	f.Add([]byte(`{"status":"pending","challenges":[{"type":"http-01","url":"u","token":"t"},{"type":"dns-01"}]}`))
	f.Add([]byte(`{"challenges":null}`))
	f.Add([]byte(`{"challenges":[1,{},{"type":"tls-alpn-01"}],"challenges":[]}`))
	f.Add([]byte(`"challenges"`))
	f.Fuzz(func(t *testing.T, body []byte) {
		w := newWire(t, nil)
		struck := w.strike(answerOf(200, ""), body)
		var before, after map[string]json.RawMessage
		if json.Unmarshal(body, &before) != nil {
			if string(struck) != string(body) {
				t.Fatalf("%q became %q", body, struck)
			}
			return
		}
		must(t, json.Unmarshal(struck, &after))
		var challenges []challengeJSON
		if json.Unmarshal(before["challenges"], &challenges) == nil && len(challenges) > 0 {
			challenges = nil
			must(t, json.Unmarshal(after["challenges"], &challenges))
			for _, c := range challenges {
				if c.Type != HTTP01 {
					t.Fatalf("%q became %q", body, struck)
				}
			}
		}
		delete(before, "challenges")
		delete(after, "challenges")
		for key, value := range before {
			if compact(t, value) != compact(t, after[key]) {
				t.Fatalf("%q became %q", body, struck)
			}
		}
		if len(before) != len(after) {
			t.Fatalf("%q became %q", body, struck)
		}
	})
}

// compact is a JSON text as any decoder sees it.
func compact(t testing.TB, raw json.RawMessage) string {
	var value any
	must(t, json.Unmarshal(raw, &value))
	text, err := json.Marshal(value)
	must(t, err)
	return string(text)
}
