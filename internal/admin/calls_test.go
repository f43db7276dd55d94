package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/prometheus/client_golang/prometheus"
)

// TestWire: the words of the API, which programs rely on.
func TestWire(t *testing.T) {
	r := serve(t, stock{
		list:  []Certificate{sample(), {Name: "main", Source: SourceFile, State: StateMissing}},
		renew: func(context.Context, string) (Certificate, error) { return sample(), nil },
		probe: func(string) (Probe, error) {
			return Probe{HTTPPath: "/.well-known/acme-challenge/t", HTTPBody: "t.k", TLSALPNHash: "00ff", Expires: time.Unix(0, 0).UTC()}, nil
		},
	})
	const full = `{"name":"pop.example.com","source":"acme","names":["pop.example.com"],"issuer":"Some CA",` +
		`"not_before":"2026-03-01T12:00:00Z","not_after":"2026-05-30T12:00:00Z","days_left":0,"state":"expiring",` +
		`"last_error":{"time":"2026-03-01T12:00:00Z","type":"urn:ietf:params:acme:error:connection","detail":"can't reach \"pop\""},` +
		`"next_try":"2026-03-01T13:00:00Z","last_success":"2026-03-01T12:00:00Z"}`
	for request, want := range map[string]string{
		"GET /v1/certificates":                        `{"certificates":[` + full + `,{"name":"main","source":"file","state":"missing"}]}`,
		"POST /v1/certificates/pop.example.com/renew": full,
		"POST /v1/certificates/pop.example.com/probe": `{"http_path":"/.well-known/acme-challenge/t","http_body":"t.k",` +
			`"tls_alpn_hash":"00ff","expires":"1970-01-01T00:00:00Z"}`,
	} {
		answer, body := r.ask(t, request+" HTTP/1.1\r\nHost: x\r\n\r\n")
		if answer.StatusCode != http.StatusOK || string(body) != want+"\n" {
			t.Errorf("%s: %s\n got %s\nwant %s", request, answer.Status, body, want)
		}
		wantHeader(t, answer)
	}
	head, body := r.ask(t, "HEAD /v1/certificates HTTP/1.1\r\nHost: x\r\n\r\n")
	if head.StatusCode != http.StatusOK || len(body) > 0 || head.ContentLength < 100 {
		t.Errorf("HEAD: %s, %d octets of %d", head.Status, len(body), head.ContentLength)
	}
}

// wantHeader checks what every answer has.
func wantHeader(t testing.TB, answer *http.Response) {
	t.Helper()
	for name, want := range map[string]string{
		"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
	} {
		if got := answer.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// TestNoCertificates: programs get a list in any case.
func TestNoCertificates(t *testing.T) {
	_, body := serve(t, stock{}).ask(t, "GET /v1/certificates HTTP/1.1\r\nHost: x\r\n\r\n")
	if string(body) != `{"certificates":[]}`+"\n" {
		t.Errorf("%s", body)
	}
}

// TestRefused: requests that are no call.
func TestRefused(t *testing.T) {
	r := serve(t, stock{})
	for _, tt := range []struct {
		line, rest string
		status     int
		code       string
	}{
		{"GET /nothing", "", 404, CodeNotFound},
		{"GET /v1", "", 404, CodeNotFound},
		{"GET /v1/certificates/", "", 404, CodeNotFound},
		{"GET //v1/certificates", "", 404, CodeNotFound},
		{"GET /v1/./certificates", "", 404, CodeNotFound},
		{"GET /v2/certificates", "", 404, CodeNotFound},
		{"GET /debug/pprof/", "", 404, CodeNotFound},
		{"POST /v1/certificates//renew", "", 404, CodeNotFound},
		{"POST /v1/certificates/../renew", "", 404, CodeNotFound},
		{"POST /v1/certificates/a/b/renew", "", 404, CodeNotFound},
		{"POST /v1/certificates/pop.example.com", "", 404, CodeNotFound},
		{"OPTIONS *", "", 404, CodeNotFound},
		{"CONNECT pop.example.com:995", "", 404, CodeNotFound},
		{"POST /v1/certificates", "", 405, CodeMethodNotAllowed},
		{"DELETE /v1/certificates", "", 405, CodeMethodNotAllowed},
		{"OPTIONS /v1/certificates", "", 405, CodeMethodNotAllowed},
		{"GET /v1/certificates/pop.example.com/renew", "", 405, CodeMethodNotAllowed},
		{"HEAD /v1/certificates/pop.example.com/probe", "", 405, CodeMethodNotAllowed},
		{"GET /v1/explain", "", 405, CodeMethodNotAllowed},
		{"GET /v1/blocks/192.0.2.1", "", 405, CodeMethodNotAllowed},
		{"DELETE /v1/blocks", "", 405, CodeMethodNotAllowed},
		{"DELETE /v1/blocks/", "", 404, CodeNotFound},
		{"DELETE /v1/blocks/192.0.2.1", "Content-Length: 2\r\n\r\n{}", 400, CodeBadRequest},
		{"POST /v1/explain", "Content-Length: 65537\r\n\r\n" + strings.Repeat("x", 65537), 413, CodeTooLarge},
		{"POST /v1/certificates/pop.example.com/renew", "Content-Length: 2\r\n\r\n{}", 400, CodeBadRequest},
		{"GET /v1/certificates", "Transfer-Encoding: chunked\r\n\r\nno number\r\n", 400, CodeBadRequest},
		{"POST /v1/certificates/pop.example.com/renew", "Content-Length: 65537\r\n\r\n" + strings.Repeat("x", 65537), 413, CodeTooLarge},
	} {
		answer, body := r.ask(t, tt.line+" HTTP/1.1\r\nHost: x\r\n"+tt.rest+"\r\n")
		if answer.StatusCode != tt.status {
			t.Errorf("%s: %s, want %d", tt.line, answer.Status, tt.status)
		}
		wantHeader(t, answer)
		if strings.HasPrefix(tt.line, "HEAD") {
			continue
		}
		if failed := refusal(t, body); failed.Code != tt.code || failed.Message == "" {
			t.Errorf("%s: %+v, want %s", tt.line, failed, tt.code)
		}
	}
	for line, want := range map[string]string{
		"PUT /v1/certificates":         "GET, HEAD",
		"PUT /v1/certificates/x/renew": "POST",
		"PUT /v1/blocks":               "GET, HEAD",
		"PUT /v1/blocks/all":           "DELETE",
	} {
		if answer, _ := r.ask(t, line+" HTTP/1.1\r\nHost: x\r\n\r\n"); answer.Header.Get("Allow") != want {
			t.Errorf("%s: Allow: %q, want %q", line, answer.Header.Get("Allow"), want)
		}
	}
	r.log.want(t, 0, "admin call")
}

// TestFailures: what the program may say, on the wire and at the client.
func TestFailures(t *testing.T) {
	cause := errors.New("dial tcp 192.0.2.1:443: connection refused")
	for _, tt := range []struct {
		name   string
		err    error
		status int
		want   Error
		is     error
	}{
		{"unknown", ErrUnknownHost, 404, Error{Code: CodeUnknownHost, Message: ErrUnknownHost.Error()}, ErrUnknownHost},
		{"wrapped", fmt.Errorf("renew x: %w", ErrUnknownHost), 404, Error{Code: CodeUnknownHost, Message: ErrUnknownHost.Error()}, ErrUnknownHost},
		{"files", ErrNotAutomatic, 409, Error{Code: CodeNotAutomatic, Message: ErrNotAutomatic.Error()}, ErrNotAutomatic},
		{"ending", ErrShuttingDown, 503, Error{Code: CodeShuttingDown, Message: ErrShuttingDown.Error()}, ErrShuttingDown},
		{"paused without end", &PausedError{}, 429, Error{Code: CodePaused, Message: "the CA asked to wait"}, nil},
		{"pause is over", &PausedError{Until: time.Unix(0, 0)}, 429,
			Error{Code: CodePaused, Message: "the CA asked to wait until 1970-01-01T00:00:00Z", RetryAfter: 1}, nil},
		{"order with a problem", fmt.Errorf("order: %w", &OrderError{Type: "urn:x", Detail: "no\n\x1b[2J way", Err: cause}), 502,
			Error{Code: CodeOrderFailed, Message: "the order failed: urn:x: no \ufffd[2J way",
				Problem: &Problem{Type: "urn:x", Detail: "no \ufffd[2J way"}}, nil},
		{"order without one", &OrderError{Err: cause}, 502,
			Error{Code: CodeOrderFailed, Message: "the order failed: " + cause.Error()}, nil},
		{"order over its own time", &OrderError{Err: context.DeadlineExceeded}, 502,
			Error{Code: CodeOrderFailed, Message: "the order failed: context deadline exceeded"}, nil},
		{"order given up", &OrderError{Err: context.Canceled}, 502,
			Error{Code: CodeOrderFailed, Message: "the order failed: context canceled"}, nil},
		{"bug", errors.New("key: 0x1234"), 500,
			Error{Code: CodeInternal, Message: "popgate met trouble of its own; its log says more"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := serve(t, stock{
				renew: func(context.Context, string) (Certificate, error) { return Certificate{}, tt.err },
				probe: func(string) (Probe, error) { return Probe{}, tt.err },
			})
			answer, body := r.ask(t, "POST /v1/certificates/pop.example.com/renew HTTP/1.1\r\nHost: x\r\n\r\n")
			if answer.StatusCode != tt.status {
				t.Errorf("%s, want %d", answer.Status, tt.status)
			}
			wantHeader(t, answer)
			if failed := refusal(t, body); !reflect.DeepEqual(failed, tt.want) {
				t.Errorf("on the wire %+v, want %+v", failed, tt.want)
			}
			r.log.want(t, 1, "[INFO]  admin call: ", `call="renew certificate"`, `host="pop.example.com"`, "result="+tt.want.Code, "duration=")

			_, err := r.client().Probe(t.Context(), "pop.example.com")
			var failed *Error
			if !errors.As(err, &failed) || !reflect.DeepEqual(*failed, tt.want) || err.Error() != tt.want.Message {
				t.Errorf("at the client %v, want %v", err, tt.want)
			}
			for _, sentinel := range []error{ErrUnknownHost, ErrNotAutomatic, ErrShuttingDown} {
				if errors.Is(err, sentinel) != (sentinel == tt.is) {
					t.Errorf("%v is %v: %v", err, sentinel, errors.Is(err, sentinel))
				}
			}
			r.log.want(t, 1, "admin call", "call=probe", "result="+tt.want.Code)
			internal := 0
			if tt.want.Code == CodeInternal {
				internal = 1
			}
			r.log.want(t, 2*internal, "[ERROR]", "key: 0x1234")
		})
	}
}

// TestPause: the wait is rounded up, and told in both places.
func TestPause(t *testing.T) {
	r := serve(t, stock{renew: func(context.Context, string) (Certificate, error) {
		return Certificate{}, &PausedError{Until: time.Now().Add(time.Hour)}
	}})
	answer, body := r.ask(t, "POST /v1/certificates/x/renew HTTP/1.1\r\nHost: x\r\n\r\n")
	failed := refusal(t, body)
	if failed.RetryAfter < 3590 || failed.RetryAfter > 3600 || answer.Header.Get("Retry-After") != fmt.Sprint(failed.RetryAfter) {
		t.Errorf("retry_after %d, Retry-After: %s", failed.RetryAfter, answer.Header.Get("Retry-After"))
	}
}

func TestSecondsUntil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for wait, want := range map[time.Duration]int{
			-time.Hour: 1, 0: 1, time.Millisecond: 1, time.Second: 1, time.Second + 1: 2, time.Hour: 3600,
		} {
			if got := secondsUntil(time.Now().Add(wait)); got != want {
				t.Errorf("%v: %d, want %d", wait, got, want)
			}
		}
	})
}

// TestSuccessIsLogged: who changes something leaves a line, who looks does not.
func TestSuccessIsLogged(t *testing.T) {
	r := serve(t, stock{
		renew: func(_ context.Context, host string) (Certificate, error) { return Certificate{Name: host}, nil },
		probe: func(string) (Probe, error) { return Probe{}, nil },
	})
	c := r.client()
	_, err := c.Certificates(t.Context())
	must(t, err)
	_, err = c.Probe(t.Context(), "pop.example.com")
	must(t, err)
	hostile := "x result=ok\n[ERROR] forged: \"y\"" + strings.Repeat("z", 5000)
	renewed, err := c.Renew(t.Context(), hostile)
	must(t, err)
	if len(renewed.Name) > maxText+10 || strings.Contains(renewed.Name, "\n") {
		t.Errorf("name %q", renewed.Name)
	}
	r.log.want(t, 2, "[INFO]")
	r.log.want(t, 1, "[INFO]", "call=probe", `host="pop.example.com"`, "result=ok")
	r.log.want(t, 1, `call="renew certificate"`, `host="x result=ok\n[ERROR] forged: \"y\"z`, "result=ok")
	if lines := strings.Count(r.log.String(), "\n"); lines != 2 || len(r.log.String()) > 1000 {
		t.Errorf("%d lines:\n%s", lines, r.log)
	}
}

// TestHosts: the program gets the host as it was typed.
func TestHosts(t *testing.T) {
	got := make(chan string, 1)
	r := serve(t, stock{probe: func(host string) (Probe, error) {
		got <- host
		return Probe{}, nil
	}})
	for _, host := range []string{"pop.example.com", "POP.example.com.", "a/b", "a//b", "a/../b", "%2e", "a b?c#d", "bücher.example", "\x00\xff", "*"} {
		if _, err := r.client().Probe(t.Context(), host); err != nil {
			t.Errorf("%q: %v", host, err)
		} else if asked := <-got; asked != host {
			t.Errorf("%q became %q", host, asked)
		}
	}
	for _, host := range []string{"", ".", ".."} {
		if _, err := r.client().Probe(t.Context(), host); err == nil {
			t.Errorf("%q was asked for", host)
		}
	}
}

// TestListIsPrintable: a certificate's texts can't do anything to a terminal.
func TestListIsPrintable(t *testing.T) {
	nasty := sample()
	nasty.Issuer = "A\x1b]0;title\x07\nB"
	nasty.Names = []string{"a\rb"}
	nasty.LastError = &Problem{Type: "urn:\u202ex", Detail: strings.Repeat("é", maxText)}
	r := serve(t, stock{list: []Certificate{nasty}})
	list, err := r.client().Certificates(t.Context())
	must(t, err)
	c := list[0]
	if c.Issuer != "A\ufffd]0;title\ufffd B" || c.Names[0] != "a b" || c.LastError.Type != "urn:\ufffdx" {
		t.Errorf("%+v, %+v", c, c.LastError)
	}
	if want := strings.Repeat("é", maxText/2) + "…"; c.LastError.Detail != want {
		t.Errorf("detail of %d octets: %q", len(c.LastError.Detail), c.LastError.Detail)
	}
	if nasty.Names[0] != "a\rb" {
		t.Error("the program's own certificate was changed")
	}
}

// TestPanic: a call that breaks off is answered and logged, and the server goes on.
func TestPanic(t *testing.T) {
	r := serve(t, stock{
		renew: func(context.Context, string) (Certificate, error) { panic("a\nbug") },
		list:  []Certificate{sample()},
	})
	answer, body := r.ask(t, "POST /v1/certificates/x/renew HTTP/1.1\r\nHost: x\r\n\r\n")
	if failed := refusal(t, body); answer.StatusCode != 500 || failed.Code != CodeInternal || strings.Contains(failed.Message, "bug") {
		t.Errorf("%s %+v", answer.Status, failed)
	}
	r.log.want(t, 1, "[ERROR] panic in an admin call", `panic="a\nbug"`)
	if !strings.Contains(r.log.String(), "calls_test.go") {
		t.Error("no stack in the log")
	}
	_, err := r.client().Certificates(t.Context())
	must(t, err)
}

// TestUnencodable: an answer that can't be one is trouble of ours.
func TestUnencodable(t *testing.T) {
	r := serve(t, stock{list: []Certificate{{NotAfter: ptr(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))}}})
	_, err := r.client().Certificates(t.Context())
	var failed *Error
	if !errors.As(err, &failed) || failed.Code != CodeInternal {
		t.Errorf("%v", err)
	}
	r.log.want(t, 1, "[ERROR] admin call failed", "encode answer")
}

// TestStatuses: every code has its status.
func TestStatuses(t *testing.T) {
	source, err := os.ReadFile("errors.go")
	must(t, err)
	codes := regexp.MustCompile(`(?m)^\tCode\w+ += "(\w+)"`).FindAllStringSubmatch(string(source), -1)
	if len(codes) != len(statuses) {
		t.Errorf("%d codes, %d statuses", len(codes), len(statuses))
	}
	for _, code := range codes {
		if status := statuses[code[1]]; status < 400 || status > 599 {
			t.Errorf("%s: status %d", code[1], status)
		}
	}
}

func TestOptions(t *testing.T) {
	logger := hclog.NewNullLogger()
	whole := Options{
		Certificates: stock{}, Logins: stock{}, Sessions: stock{}, Backends: stock{}, Process: stock{},
		Metrics: prometheus.NewRegistry(), Logger: logger,
	}
	if _, err := New(whole); err != nil {
		t.Fatal(err)
	}
	for _, leaveOut := range []func(*Options){
		func(o *Options) { o.Certificates = nil }, func(o *Options) { o.Logins = nil }, func(o *Options) { o.Sessions = nil },
		func(o *Options) { o.Backends = nil }, func(o *Options) { o.Process = nil }, func(o *Options) { o.Metrics = nil },
		func(o *Options) { o.Logger = nil },
	} {
		opts := whole
		leaveOut(&opts)
		if _, err := New(opts); err == nil {
			t.Errorf("%+v is enough", opts)
		}
	}
	_, log := newServer(t, stock{})
	log.want(t, 0, "")
}
