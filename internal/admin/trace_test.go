package admin

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// traceFunc is how a program traces.
type traceFunc = func(ctx context.Context, opts TraceOptions, each func(TraceEvent) error) error

// askTrace is a request for a trace.
func askTrace(body string) string {
	return fmt.Sprintf("POST /v1/trace HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// TestTraceWire: the words of a trace, which programs rely on.
func TestTraceWire(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	users := make(chan TraceOptions, 1)
	r := serve(t, stock{trace: func(_ context.Context, opts TraceOptions, each func(TraceEvent) error) error {
		users <- opts
		for _, e := range []TraceEvent{
			{Time: at, From: "note", Text: "waiting"}, {Time: at, Session: "s1", From: "client", Text: "PASS ***"},
			{Time: at, Session: "s1", From: "backend", Text: "+OK \x1b[2J" + strings.Repeat("é", maxText)},
		} {
			if err := each(e); err != nil {
				return err
			}
		}
		return nil
	}})
	answer, body := r.ask(t, askTrace(`{"user":"bob@example.com","from":"192.0.2.7"}`))
	want := `{"time":"2026-03-01T12:00:00Z","from":"note","text":"waiting"}` + "\n" +
		`{"time":"2026-03-01T12:00:00Z","session":"s1","from":"client","text":"PASS ***"}` + "\n" +
		`{"time":"2026-03-01T12:00:00Z","session":"s1","from":"backend","text":"+OK ` + "\ufffd[2J" + strings.Repeat("é", (maxText-8)/2) + `…"}` + "\n"
	if answer.StatusCode != 200 || string(body) != want {
		t.Errorf("%s\n got %s\nwant %s", answer.Status, body, want)
	}
	if kind := answer.Header.Get("Content-Type"); kind != "application/x-ndjson; charset=utf-8" {
		t.Errorf("%v", answer.Header)
	}
	shielded(t, answer)
	if opts := <-users; opts.User != "bob@example.com" || opts.From.String() != "192.0.2.7/32" {
		t.Errorf("traced %+v", opts)
	}
	r.log.want(t, 1, "[INFO]  admin call: ", "call=trace", "result=ok")
}

// TestTraceIsLive: an event is at the client before the next one happens.
func TestTraceIsLive(t *testing.T) {
	next := make(chan struct{})
	r := serve(t, stock{trace: func(_ context.Context, _ TraceOptions, each func(TraceEvent) error) error {
		for i := range 3 {
			<-next
			if err := each(TraceEvent{From: "client", Text: fmt.Sprint(i)}); err != nil {
				return err
			}
		}
		return nil
	}})
	var heard []string
	go func() { next <- struct{}{} }()
	must(t, r.client().Trace(t.Context(), TraceOptions{User: "bob"}, time.Minute, func(e TraceEvent) error {
		if heard = append(heard, e.Text); len(heard) < 3 {
			next <- struct{}{}
		}
		return nil
	}))
	if fmt.Sprint(heard) != "[0 1 2]" {
		t.Errorf("%q", heard)
	}
}

func TestTraceRefused(t *testing.T) {
	r := serve(t, stock{})
	for body, say := range map[string]string{
		``: "no JSON object", `{}`: "user is missing", `{"user":"bob","of":"x"}`: "unknown field", `{"user":"bob","from":"x"}`: "neither an address nor a network", `{"user":"bob","from":"::ffff:1.2.3.4/100"}`: "neither an address nor a network", `{"user":"bob"}x`: "behind the object",
		`{"user":"` + strings.Repeat("x", maxUser+1) + `"}`: "user is a name that nobody can have", "{\"user\":\"\xff\"}": "not UTF-8",
		`{"user":"bob","for":"0s"}`: "from 1s to 12h", `{"user":"bob","for":"13h"}`: "from 1s to 12h", `{"user":"bob","for":"soon"}`: "from 1s to 12h",
	} {
		answer, text := r.ask(t, askTrace(body))
		if failed := refusal(t, text); answer.StatusCode != 400 || failed.Code != CodeBadRequest || !strings.Contains(failed.Message, say) {
			t.Errorf("%.60s: %s: %+v", body, answer.Status, failed)
		}
	}
	// What a program refuses before there is an event has a status of its own.
	answer, text := r.ask(t, askTrace(`{"user":"bob","for":"12h"}`))
	r.log.want(t, 1, "admin call", "call=trace", "result=too_many_traces")
	if answer.StatusCode != 429 || string(text) != `{"error":{"code":"too_many_traces","message":"as many traces as there can be are under way"}}`+"\n" {
		t.Errorf("%s: %s", answer.Status, text)
	}
	never := func(TraceEvent) error { return errors.New("an event") }
	wantError(t, r.client().Trace(t.Context(), TraceOptions{User: "bob"}, 0, never), ErrTooManyTraces)
	wantError(t, r.client().Trace(t.Context(), TraceOptions{User: ""}, 0, never), nil, "user is missing")
	broken := serve(t, stock{trace: func(context.Context, TraceOptions, func(TraceEvent) error) error { return errors.New("key: 0x1234") }})
	wantError(t, broken.client().Trace(t.Context(), TraceOptions{User: "bob"}, 0, never), nil, "trouble of its own")
}

// TestLongTrace: a trace lasts longer than any request, and ends with its time.
func TestLongTrace(t *testing.T) {
	for wish, limit := range map[string]time.Duration{`{"user":"bob"}`: traceTime, `{"user":"bob","for":"12h"}`: maxTraceTime} {
		synctest.Test(t, func(t *testing.T) {
			v := serveVirtually(t, stock{trace: every(t, limit/4)})
			conn := v.dial()
			v.write(conn, askTrace(wish))
			began := time.Now()
			in := bufio.NewReader(conn)
			answer, err := http.ReadResponse(in, nil)
			must(t, err)
			if took := time.Since(began); answer.StatusCode != 200 || took != limit/4 {
				t.Errorf("%s after %v", answer.Status, took)
			}
			lines := json.NewDecoder(answer.Body)
			for n := 1; ; n++ {
				var line traceLine
				must(t, lines.Decode(&line))
				if line.Error != nil {
					if line.Error.Code != CodeTimeout || line.Error.Message != "the time for this trace is over" || time.Since(began) != limit {
						t.Errorf("after %v: %+v", time.Since(began), line.Error)
					}
					break
				}
				if want := time.Duration(n) * limit / 4; time.Since(began) != want {
					t.Errorf("event %d after %v, want %v", n, time.Since(began), want)
				}
			}
			if lines.More() {
				t.Error("it goes on behind its end")
			}
			// The connection serves on.
			v.write(conn, "GET /v1/certificates HTTP/1.1\r\nHost: x\r\n\r\n")
			if answer, err := http.ReadResponse(in, nil); err != nil || answer.StatusCode != 200 {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

// every traces a session that says something from time to time.
func every(t *testing.T, pause time.Duration) traceFunc {
	return func(ctx context.Context, _ TraceOptions, each func(TraceEvent) error) error {
		// Not at the very end, which is the limit's.
		for range 3 {
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return ctx.Err()
			}
			if err := each(TraceEvent{From: "client", Text: "NOOP"}); err != nil {
				t.Errorf("an event was not taken: %v", err)
			}
		}
		<-ctx.Done()
		return ctx.Err()
	}
}

// TestTraceReaderGoes: a trace ends when nobody reads it any more, and that is
// nobody's trouble.
func TestTraceReaderGoes(t *testing.T) {
	begun, over := make(chan struct{}), make(chan error, 1)
	r := serve(t, stock{trace: func(ctx context.Context, _ TraceOptions, each func(TraceEvent) error) error {
		close(begun)
		<-ctx.Done()
		over <- context.Cause(ctx)
		return ctx.Err()
	}})
	ctx, cancel := context.WithCancel(t.Context())
	traced := make(chan error, 1)
	go func() { traced <- r.client().Trace(ctx, TraceOptions{User: "bob"}, 0, nil) }()
	<-begun
	cancel()
	wantError(t, <-traced, context.Canceled)
	if cause := <-over; !errors.Is(cause, context.Canceled) {
		t.Errorf("the trace was told %v", cause)
	}
	must(t, r.server.Shutdown(t.Context()))
	r.log.want(t, 1, "admin call: ", "call=trace")
	r.log.want(t, 0, "[ERROR]")
	r.log.want(t, 0, "superfluous")
}

// TestTraceListenerStops: a client that has heard enough ends the trace.
func TestTraceListenerStops(t *testing.T) {
	enough, over := errors.New("enough"), make(chan struct{})
	r := serve(t, stock{trace: func(ctx context.Context, _ TraceOptions, each func(TraceEvent) error) error {
		defer close(over)
		for {
			if err := each(TraceEvent{From: "client", Text: "NOOP"}); err != nil {
				return err
			}
		}
	}})
	if err := r.client().Trace(t.Context(), TraceOptions{User: "bob"}, 0, func(TraceEvent) error { return enough }); !errors.Is(err, enough) {
		t.Error(err)
	}
	<-over
}

// TestTraceAtShutdown: whoever waits for a session is told that none will come.
func TestTraceAtShutdown(t *testing.T) {
	begun := make(chan struct{})
	r := serve(t, stock{trace: func(ctx context.Context, _ TraceOptions, _ func(TraceEvent) error) error {
		close(begun)
		<-ctx.Done()
		return ctx.Err()
	}})
	traced := make(chan error, 1)
	go func() { traced <- r.client().Trace(t.Context(), TraceOptions{User: "bob"}, 0, nil) }()
	<-begun
	must(t, r.server.Shutdown(t.Context()))
	wantError(t, <-traced, ErrShuttingDown)
}

// TestDeafTracer: a client that takes nothing can't hold a trace for long, nor
// fill any memory.
func TestDeafTracer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		over := make(chan error, 1)
		v := serveVirtually(t, stock{trace: func(_ context.Context, _ TraceOptions, each func(TraceEvent) error) error {
			for {
				if err := each(TraceEvent{From: "client", Text: strings.Repeat("x", maxText)}); err != nil {
					over <- err
					return err
				}
			}
		}})
		v.write(v.dial(), askTrace(`{"user":"bob"}`))
		began := time.Now()
		var timeout net.Error
		if err := <-over; !errors.As(err, &timeout) || !timeout.Timeout() || time.Since(began) > sendTime {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		synctest.Wait()
		v.log.want(t, 0, "[ERROR]")
	})
}

// TestStrangeTraces: what an answer may be that isn't popgate's.
func TestStrangeTraces(t *testing.T) {
	for text, target := range map[string]error{
		`{"from":"client","text":"NOOP"}` + "\n" + `{"from":`: errAnswer,
		"null\n": errAnswer, "[]\n": errAnswer, "{}\n": errAnswer,
	} {
		err := answerWith(t, "HTTP/1.1 200 OK\r\n\r\n"+text).Trace(t.Context(), TraceOptions{User: "bob"}, 0, func(TraceEvent) error { return nil })
		wantError(t, err, target)
	}
	err := answerWith(t, "HTTP/1.1 200 OK\r\n\r\n"+`{"error":{"code":"x","message":"a\u001b[2J"}}`).Trace(t.Context(), TraceOptions{User: "bob"}, 0, nil)
	wantError(t, err, nil, "a\ufffd[2J")
	err = answerWith(t, "HTTP/1.1 404 Not Found\r\n\r\n<html>").Trace(t.Context(), TraceOptions{User: "bob"}, 0, nil)
	wantError(t, err, errAnswer, "status 404")
}

func TestParseFrom(t *testing.T) {
	for text, want := range map[string]string{
		"": "invalid Prefix", "192.0.2.7": "192.0.2.7/32", "::ffff:192.0.2.7": "192.0.2.7/32", "fe80::1%eth0": "fe80::1/128",
		"192.0.2.7/24": "192.0.2.0/24", "2001:db8::1/64": "2001:db8::/64", "::ffff:192.0.2.7/120": "", "x": "", "192.0.2.7:110": "", "192.0.2.0/33": "",
	} {
		if got, err := ParseFrom(text); (err != nil) != (want == "") || err == nil && got.String() != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}
