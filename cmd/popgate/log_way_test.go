package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"popgate/internal/config"
)

// TestLastWordsComeBehindTheLog: what ends the program is said last.
func TestLastWordsComeBehindTheLog(t *testing.T) {
	t.Parallel()
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	s := newSite(t)
	s.write(t, s.text(fmt.Sprintf("listener \"busy\" { address = %q }\n", busy.Addr())))
	if err := os.Chmod(filepath.Join(s.dir, siteName+".key"), 0o644); err != nil {
		t.Fatal(err)
	}
	got := runHere(t, "serve", "--config", s.config)
	lines := strings.Split(strings.TrimSuffix(got.err, "\n"), "\n")
	last := len(lines) - 1
	if got.code != exitFailed || !strings.HasPrefix(lines[last], "popgate: ") || !strings.Contains(lines[last], "in use") {
		t.Errorf("code %d, and at last %q", got.code, lines[last])
	}
	if !strings.Contains(strings.Join(lines[:last], "\n"), "private key is readable by every user of this machine") {
		t.Errorf("no warning before it:\n%s", got.err)
	}
}

// stuck is a log that nobody reads until free is closed.
type stuck struct{ free chan struct{} }

func (s stuck) Write(p []byte) (int, error) {
	<-s.free
	return len(p), nil
}

// TestBlockedLogEndsInTime: whatever the end is.
func TestBlockedLogEndsInTime(t *testing.T) {
	failed := errors.New("failed")
	for _, end := range []error{nil, failed, usageError{failed}} {
		synctest.Test(t, func(t *testing.T) {
			target := stuck{make(chan struct{})}
			began := time.Now()
			err := withLog(logOptions{Log: config.Log{Level: "info"}, Target: target}, func(log hclog.Logger) error {
				for range 20_000 {
					log.Info("draining")
				}
				return end
			})
			if took := time.Since(began); took != closeLimit {
				t.Errorf("it took %v, want %v", took, closeLimit)
			}
			if end == nil && err != nil {
				t.Errorf("drained, but %v", err)
			}
			if end != nil && (!errors.Is(err, errUnread) || !errors.Is(err, end)) {
				t.Errorf("%v, want that %v and that nobody reads it", err, end)
			}
			close(target.free)
		})
	}
}

// TestUnreadErrorIsNotPrinted: the exit code alone tells then.
func TestUnreadErrorIsNotPrinted(t *testing.T) {
	for err, code := range map[error]int{
		errors.Join(errStopped, errUnread):                    exitFailed,
		errors.Join(usageError{errors.New("bad")}, errUnread): exitUsage,
	} {
		if got := report(err, neverWritten{t}); got != code {
			t.Errorf("%v: exit code %d, want %d", err, got, code)
		}
	}
}

type neverWritten struct{ t *testing.T }

func (w neverWritten) Write(p []byte) (int, error) {
	w.t.Errorf("wrote %q", p)
	return 0, io.ErrClosedPipe
}

// TestLogIsSampled: repeated warnings are counted, lines of sessions never.
func TestLogIsSampled(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		out := newOutput()
		err := withLog(logOptions{Log: config.Log{Level: "info", Format: format}, Target: out}, func(log hclog.Logger) error {
			for range 50 {
				log.Named("proxy").Warn("backend is down", "backend", "east")
				log.Info("session", "backend", "east")
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		for pattern, want := range map[string]int{
			"backend is down":                     5 + 1,
			"repeated.*(count=45|\"count\":45).*": 1,
			"session.*east":                       50,
		} {
			if got := len(out.lines(pattern)); got != want {
				t.Errorf("%s: %d × %q, want %d", format, got, pattern, want)
			}
		}
		if last := slices.Collect(strings.Lines(out.String())); !strings.Contains(last[len(last)-1], "repeated_message") {
			t.Errorf("%s: it ends with %q", format, last[len(last)-1])
		}
	}
}
