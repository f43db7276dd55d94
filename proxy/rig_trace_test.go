package proxy_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"popgate/internal/poptest"
	"popgate/proxy"
)

// reader is somebody who traces a user.
type reader struct {
	stop context.CancelFunc
	done chan error

	mu     sync.Mutex
	events []proxy.TraceEvent
}

// trace begins to trace a user, and returns when it has begun.
func (h *hall) trace(t *testing.T, user string, from ...netip.Prefix) *reader {
	t.Helper()
	began := strings.Count(h.log.String(), "trace begins")
	ctx, cancel := context.WithCancel(t.Context())
	opts := proxy.TraceOptions{User: user}
	if len(from) > 0 {
		opts.From = from[0]
	}
	r := &reader{stop: cancel, done: make(chan error, 1)}
	go func() {
		r.done <- h.server.Trace(ctx, opts, func(e proxy.TraceEvent) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.events = append(r.events, e)
			return nil
		})
	}()
	h.log.await(t, "trace begins", began+1)
	return r
}

// waitsOn is the last event of a trace whose session wasn't the one.
const waitsOn = "note: nobody tried to log in as the user: waiting for the next session\n"

// told is what a trace has had so far, a line an event.
func (r *reader) told() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	for _, e := range r.events {
		fmt.Fprintf(&b, "%s: %s\n", e.From, e.Text)
	}
	return b.String()
}

// ends waits until the trace has ended by itself, and returns what it had.
func (r *reader) ends(t *testing.T) string {
	t.Helper()
	defer r.stop()
	if err := <-r.done; err != nil {
		t.Errorf("the trace ends with %v", err)
	}
	r.mu.Lock()
	for i, e := range r.events {
		if e.Time.IsZero() || e.Session != r.events[0].Session || e.Session == "" || len(e.Text) > 500 ||
			strings.ContainsFunc(e.Text, func(c rune) bool { return c < ' ' || c == 0x7f }) {
			t.Errorf("event %d: %+v", i, e)
		}
	}
	r.mu.Unlock()
	return r.told()
}

// stopped ends a trace that waits for nothing any more.
func (r *reader) stopped(t *testing.T) {
	t.Helper()
	r.stop()
	if err := <-r.done; !errors.Is(err, context.Canceled) {
		t.Errorf("the trace ends with %v", err)
	}
	if told := r.told(); told != "" {
		t.Errorf("the trace of somebody else has had\n%s", told)
	}
}

// canary is a password that nobody may be shown.
const canary = "sesame-Canary7"

// gossip is a backend that repeats all it hears, and lets in who has the canary.
func gossip() func(*poptest.BackendConn) {
	mail := "Subject: " + canary + "\r\n\r\n+OK " + canary + "\r\n.\r\n"
	user := ""
	return poptest.Answers("+OK hello from the backend\r\n", func(line string) (string, bool) {
		keyword, arg, _ := strings.Cut(line, " ")
		switch keyword {
		case "USER":
			user = arg
			return "+OK " + arg + " may try\r\n", true
		case "PASS":
			if arg != canary {
				return "-ERR " + arg + " is not the password of " + user + "\r\n", true
			}
			return "+OK " + strings.ToUpper(arg) + " is right\r\n", true
		case "RETR":
			return "+OK here it is\r\n" + mail, true
		case "STAT":
			return "+OK 1 120 " + hex.EncodeToString([]byte(canary)) + "\r\n", true
		case "LIST":
			return "+OK 1 120\r\n", true
		case "NOOP":
			return "+OK it begins with " + canary[:5] + "...\r\n", true
		case "QUIT":
			return "+OK bye " + user + "/" + canary + "\r\n", false
		}
		return "-ERR what?\r\n", true
	})
}

// holdsNoCanary fails the test if a text has a part of the canary in it, in clear
// or in hex, or all of it in base64.
func holdsNoCanary(t *testing.T, text string) {
	t.Helper()
	folded := strings.ToLower(text)
	for i := range len(canary) - 3 {
		part := strings.ToLower(canary[i : i+4])
		if strings.Contains(folded, part) || strings.Contains(folded, hex.EncodeToString([]byte(canary[i:i+4]))) {
			t.Errorf("%q, of the password, stands in\n%s", part, text)
		}
	}
	for before := range 3 {
		coded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", before) + canary))
		if strings.Contains(text, coded[4:len(coded)-4]) {
			t.Errorf("the password, in base64, stands in\n%s", text)
		}
	}
}

// chat says lines, one answer each.
func (m *mail) chat(t *testing.T, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if _, err := io.WriteString(m, line+"\r\n"); err != nil {
			t.Fatal(err)
		}
		var err error
		if m.last, err = m.in.ReadString('\n'); err != nil {
			t.Fatalf("after %q: %v", line, err)
		}
	}
}

// rest reads until the session is over.
func (m *mail) rest(t *testing.T) string {
	t.Helper()
	got, err := readAll(m.in)
	if err != nil {
		t.Error(err)
	}
	_ = m.under.Close()
	return got
}
