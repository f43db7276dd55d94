package admin

import (
	"errors"
	"reflect"
	"testing"
)

// TestReady: both answers of a running popgate, and one that is ending.
func TestReady(t *testing.T) {
	for _, want := range []Readiness{
		{Ready: true},
		{Reasons: []string{"no certificate", "draining"}},
	} {
		r := serve(t, stock{ready: want})
		got, err := r.client().Ready(t.Context())
		must(t, err)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
		must(t, r.client().Healthy(t.Context()))
	}
	r := serve(t, stock{ready: Readiness{Ready: true}})
	r.server.end(ErrShuttingDown)
	_, err := r.client().Ready(t.Context())
	wantError(t, err, ErrShuttingDown)
	wantError(t, r.client().Healthy(t.Context()), ErrShuttingDown)
	_, err = NewClient(newPath(t)).Ready(t.Context())
	wantError(t, err, ErrNotRunning)
}

// TestReadyOfStrangers: what is no answer of popgate is not taken for ready.
func TestReadyOfStrangers(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":            "",
		"empty":              "HTTP/1.1 200 OK\r\n\r\n{}",
		"unready with 200":   "HTTP/1.1 200 OK\r\n\r\n{\"ready\":false}",
		"ready with 503":     "HTTP/1.1 503 x\r\n\r\n{\"ready\":true}",
		"another 503":        "HTTP/1.1 503 x\r\n\r\n<html>",
		"an error, no code":  "HTTP/1.1 503 x\r\n\r\n{\"error\":{}}",
		"another 404":        "HTTP/1.1 404 x\r\n\r\nnot found",
		"another kind of it": "HTTP/1.1 200 OK\r\n\r\n{\"ready\":\"yes\"}",
	} {
		c := answerWith(t, text)
		ready, err := c.Ready(t.Context())
		if err == nil || ready.Ready || errors.Is(err, ErrNotRunning) {
			t.Errorf("%s: %+v, %v", name, ready, err)
		}
		if err := c.Healthy(t.Context()); err == nil {
			t.Errorf("%s: it is healthy", name)
		}
	}
}
