package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestProcessWire(t *testing.T) {
	r := serve(t, stock{ready: Readiness{Ready: true}, config: "hostname = \"a<b\"\n"})
	wantWire(t, r, map[string]string{
		"GET /healthz":   `{"status":"ok"}`,
		"GET /readyz":    `{"ready":true}`,
		"GET /v1/config": `{"hcl":"hostname = \"a<b\"\n"}`,
		"GET /v1/log":    `{"level":"info"}`,
		`PUT /v1/log` + "\n" + `{"level":"debug"}`: `{"level":"info"}`,
		"POST /v1/reload":                          `{"done":"reloaded"}`,
		"POST /v1/drain":                           `{"done":"draining"}`,
	})
	wantWire(t, serve(t, leveled{}), map[string]string{"GET /v1/log": `{"level":"debug","until":"9999-12-31T00:00:00Z"}`})
	hcl, err := r.client().Config(t.Context())
	must(t, err)
	if hcl != "hostname = \"a<b\"\n" {
		t.Errorf("%q", hcl)
	}
}

// TestStatusWire: the program's part, and what the others know of.
func TestStatusWire(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	p := stock{
		status: Status{
			Version: "1.4.0", GoVersion: "go1.26", Hostname: "pop.example.com", Started: at, ConfigLoaded: at, LogLevel: "info", LogDropped: 1,
			MemoryBytes: 2, Goroutines: 3, Connections: 4,
			LastReload: &Reload{Time: at, OK: true, Warnings: []string{"w"}}, Listeners: []Listener{{Name: "pop3s", Address: "[::]:995"}, {Name: "pop3"}},
			Sessions: []SessionCount{{State: SessionLoggedIn, Listener: "pop3s", Tenant: "acme", Open: 5}, {State: "before_login", Listener: "pop3s", Open: 6}},
			Logins:   []LoginMinute{{Start: at, OK: 7, Refused: 8, Error: 9}},
			Blocks:   99, // which isn't the program's to say
		},
		ready: Readiness{Reasons: []string{"draining"}}, backends: []Backend{aBackend()}, list: []Certificate{{Name: "main", State: StateMissing}},
		blocks: make([]Block, 2),
	}
	r := serve(t, p)
	_, body := r.ask(t, "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
	got := regexp.MustCompile(`"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ","started"`).ReplaceAllString(string(body), `"time":"now","started"`)
	want := `{"version":"1.4.0","go_version":"go1.26","hostname":"pop.example.com","time":"now","started":"2026-03-01T12:00:00Z",` +
		`"config_loaded":"2026-03-01T12:00:00Z","last_reload":{"time":"2026-03-01T12:00:00Z","ok":true,"warnings":["w"]},"ready":false,"reasons":["draining"],"log_level":"info","log_dropped":1,"memory_bytes":2,` +
		`"goroutines":3,"connections":4,"listeners":[{"name":"pop3s","address":"[::]:995"},{"name":"pop3"}],"sessions":[{"state":"logged_in","listener":"pop3s","tenant":"acme","open":5},` +
		`{"state":"before_login","listener":"pop3s","open":6}],"logins":[{"start":"2026-03-01T12:00:00Z","ok":7,"refused":8,"error":9}],` +
		`"backends":[` + fullBackend + `],"certificates":[{"name":"main","source":"","state":"missing"}],"blocks":2}` + "\n"
	if got != want {
		t.Errorf(" got %s\nwant %s", got, want)
	}
	status, err := r.client().Status(t.Context())
	must(t, err)
	if since := time.Since(status.Time); since < 0 || since > time.Minute {
		t.Errorf("it is of %v", status.Time)
	}
	if status.Blocks != 2 || status.Ready || !reflect.DeepEqual(status.Backends, p.backends) || !reflect.DeepEqual(status.Logins, p.status.Logins) {
		t.Errorf("%+v", status)
	}
}

// TestNotReady: who balances load reads the status code, and people the reasons.
func TestNotReady(t *testing.T) {
	r := serve(t, stock{ready: Readiness{Reasons: []string{"no listener is open", "draining"}}})
	answer, body := r.ask(t, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
	if answer.StatusCode != 503 || string(body) != `{"ready":false,"reasons":["no listener is open","draining"]}`+"\n" {
		t.Errorf("%s: %s", answer.Status, body)
	}
	wantHeader(t, answer)
	if head, body := r.ask(t, "HEAD /readyz HTTP/1.1\r\nHost: x\r\n\r\n"); head.StatusCode != 503 || len(body) > 0 {
		t.Errorf("HEAD: %s", head.Status)
	}
	if alive, _ := r.ask(t, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); alive.StatusCode != 200 {
		t.Errorf("alive: %s", alive.Status)
	}
}

// TestReload: a configuration with problems is told problem by problem.
func TestReload(t *testing.T) {
	next := make(chan error, 1)
	r := serve(t, stock{reload: func(context.Context) error { return <-next }})
	next <- nil
	_, err := r.client().Reload(t.Context())
	must(t, err)
	r.log.want(t, 1, "[INFO]  admin call: ", "call=reload", "result=ok")

	next <- fmt.Errorf("reload: %w", &ReloadError{Problems: []string{"config.hcl:3: unknown word\x1b[2J", strings.Repeat("x", 5000)}})
	_, err = r.client().Reload(t.Context())
	var failed *Error
	if !errors.As(err, &failed) || failed.Code != CodeReloadFailed || len(failed.Problems) != 2 ||
		failed.Problems[0] != "config.hcl:3: unknown word\ufffd[2J" || len(failed.Problems[1]) > maxText+3 || err.Error() != "the old configuration stays" {
		t.Errorf("%+v", failed)
	}
	r.log.want(t, 1, "call=reload", "result=reload_failed")
	next <- &ReloadError{Problems: []string{"a"}}
	answer, body := r.ask(t, "POST /v1/reload HTTP/1.1\r\nHost: x\r\n\r\n")
	if answer.StatusCode != 422 || string(body) != `{"error":{"code":"reload_failed","message":"the old configuration stays","problems":["a"]}}`+"\n" {
		t.Errorf("%s: %s", answer.Status, body)
	}
	next <- ErrShuttingDown
	_, err = r.client().Reload(t.Context())
	wantError(t, err, ErrShuttingDown)
	if text := (&ReloadError{Problems: []string{"a", "b"}}).Error(); text != "the old configuration stays: a; b" {
		t.Error(text)
	}
}

// TestReloadWarnings: what there is to say against a configuration that is taken.
func TestReloadWarnings(t *testing.T) {
	r := serve(t, stock{warnings: []string{"format changes with a restart only\x1b[2J"}})
	warnings, err := r.client().Reload(t.Context())
	must(t, err)
	if fmt.Sprintf("%q", warnings) != "[\"format changes with a restart only\ufffd[2J\"]" {
		t.Errorf("%q", warnings)
	}
}

// TestLastReload: the status has the last reload, and its problems for those who
// may see the configuration; the page has it among the problems.
func TestLastReload(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s, _ := newServer(t, stock{status: Status{LastReload: &Reload{Time: at, Problems: strings.Fields("a\x1b b c d e f g")}}, ready: Readiness{Ready: true}})
	trustedCtx := context.WithValue(t.Context(), asAsker{}, askerTrusted)
	if got := s.status(trustedCtx).LastReload; got.OK || fmt.Sprintf("%q", got.Problems) != "[\"a\ufffd\" \"b\" \"c\" \"d\" \"e\" \"and 2 more, which the log has\"]" {
		t.Errorf("%+v", got)
	}
	if got := s.status(t.Context()).LastReload; got == nil || !got.Time.Equal(at) || got.Problems != nil {
		t.Errorf("without the token: %+v", got)
	}
	for want, ctx := range map[string]context.Context{
		"the old configuration stays: a\ufffd; b; c; d; e; and 2 more, which the log has": trustedCtx,
		"the old configuration stays: popgate's log says why":                             t.Context(),
	} {
		p := newPage(s.overview(ctx, 0), false)
		if len(p.Problems) != 1 || !strings.HasSuffix(p.Problems[0].Text, want) {
			t.Errorf("%q, want %q", p.Problems, want)
		}
	}
	s, _ = newServer(t, stock{status: Status{LastReload: &Reload{Time: at, OK: true}}, ready: Readiness{Ready: true}})
	if p := newPage(s.overview(trustedCtx, 0), true); len(p.Problems) != 0 {
		t.Errorf("%q", p.Problems)
	}
}

// TestLongReload: whoever waits for a reload is told when it takes too long.
func TestLongReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := serveVirtually(t, stock{reload: func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}})
		conn := v.dial()
		v.write(conn, "POST /v1/reload HTTP/1.1\r\nHost: x\r\n\r\n")
		began := time.Now()
		answer, body := readAnswer(t, conn, "POST")
		if failed := refusal(t, body); answer.StatusCode != 504 || failed.Code != CodeTimeout || time.Since(began) != quickTime {
			t.Errorf("%s after %v: %+v", answer.Status, time.Since(began), failed)
		}
	})
}

func TestDrain(t *testing.T) {
	drained := make(chan struct{}, 1)
	r := serve(t, stock{drain: func() { drained <- struct{}{} }})
	must(t, r.client().Drain(t.Context()))
	<-drained
	r.log.want(t, 1, "[INFO]  admin call: ", "call=drain", "result=ok")
}

// TestLogLevel: what can be wished for, and what the program hears of it.
func TestLogLevel(t *testing.T) {
	got := make(chan string, 1)
	r := serve(t, stock{setLevel: func(level string, d time.Duration) { got <- level + " " + d.String() }})
	for body, want := range map[string]string{
		`{"level":"debug"}`:              "debug 0s",
		`{"level":"trace","for":"1s"}`:   "trace 1s",
		`{"level":"error","for":"24h"}`:  "error 24h0m0s",
		`{"level":"warn","for":"1h30m"}`: "warn 1h30m0s",
	} {
		if answer, text := putLevel(t, r, body); answer.StatusCode != 200 {
			t.Errorf("%s: %s: %s", body, answer.Status, text)
		} else if asked := <-got; asked != want {
			t.Errorf("%s became %s", body, asked)
		}
	}
	for body, say := range map[string]string{
		``: "no JSON object", `{}`: "one of trace, debug, info, warn, error", `{"level":"DEBUG"}`: "one of trace", `{"level":"off"}`: "one of trace",
		`{"level":"info","for":"0s"}`: "from 1s to 24h", `{"level":"info","for":"-1m"}`: "from 1s to 24h", `{"level":"info","for":"25h"}`: "from 1s to 24h",
		`{"level":"info","for":"10"}`: "from 1s to 24h", `{"level":"info","for":10}`: "no JSON object", `{"level":"info","until":"x"}`: "unknown field",
		`{"level":"info"}{}`: "behind the object", "{\"level\":\"\xff\"}": "not UTF-8",
	} {
		answer, text := putLevel(t, r, body)
		if failed := refusal(t, text); answer.StatusCode != 400 || failed.Code != CodeBadRequest || !strings.Contains(failed.Message, say) {
			t.Errorf("%s: %s: %+v", body, answer.Status, failed)
		}
	}
	level, err := r.client().SetLogLevel(t.Context(), "debug", 10*time.Minute)
	must(t, err)
	if asked := <-got; asked != "debug 10m0s" || level != (LogLevel{Level: "info"}) {
		t.Errorf("%s, %+v", asked, level)
	}
	_, err = r.client().SetLogLevel(t.Context(), "debug", 0)
	must(t, err)
	if asked := <-got; asked != "debug 0s" {
		t.Error(asked)
	}
	_, err = r.client().SetLogLevel(t.Context(), "loud", 0)
	wantError(t, err, nil, "level is one of")
	now, err := serve(t, leveled{}).client().LogLevel(t.Context())
	must(t, err)
	if now.Level != "debug" || now.Until == nil || now.Until.Year() != 9999 {
		t.Errorf("%+v", now)
	}
	r.log.want(t, 6, "[INFO]  admin call: ", `call="set log level"`, "result=ok")
	r.log.want(t, 1, "[INFO]  admin call: ", `call="set log level"`, `level="debug"`, `for="10m0s"`, "result=ok")
}

func putLevel(t *testing.T, r *rig, body string) (*http.Response, []byte) {
	t.Helper()
	return r.ask(t, fmt.Sprintf("PUT /v1/log HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
}

// TestNoPopgate: another program behind the socket, or none, is told from popgate.
func TestNoPopgate(t *testing.T) {
	for name, ask := range map[string]func(*Client) error{
		"status":  func(c *Client) error { _, err := c.Status(t.Context()); return err },
		"session": func(c *Client) error { _, err := c.Sessions(t.Context()); return err },
		"kick":    func(c *Client) error { return c.Kick(t.Context(), "x") },
		"backend": func(c *Client) error { _, err := c.Backends(t.Context()); return err },
		"drain":   func(c *Client) error { _, err := c.DrainBackend(t.Context(), "x"); return err },
		"reload":  func(c *Client) error { _, err := c.Reload(t.Context()); return err },
		"config":  func(c *Client) error { _, err := c.Config(t.Context()); return err },
		"level":   func(c *Client) error { _, err := c.LogLevel(t.Context()); return err },
		"trace":   func(c *Client) error { return c.Trace(t.Context(), TraceOptions{User: "x"}, 0, nil) },
	} {
		// Nobody is there, and all say so in one way.
		wantError(t, ask(NewClient(newPath(t))), ErrNotRunning, "ask popgate at ")
		if err := ask(answerWith(t, "HTTP/1.1 200 OK\r\n\r\n<html>")); !errors.Is(err, errAnswer) {
			t.Errorf("%s: another program's answer: %v", name, err)
		}
	}
}
