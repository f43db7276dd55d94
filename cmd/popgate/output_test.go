package main

import (
	"bytes"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for what should be there at once. Nothing
// but a failure takes so long.
const patience = 30 * time.Second

// output is what a program writes, for tests to wait for lines of it.
type output struct {
	mu    sync.Mutex
	buf   bytes.Buffer
	grown chan struct{} // closed, and replaced, at each write
}

func newOutput() *output { return &output{grown: make(chan struct{})} }

// Write makes an output an io.Writer; it never fails.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buf.Write(p)
	close(o.grown)
	o.grown = make(chan struct{})
	return len(p), nil
}

// String returns all that was written.
func (o *output) String() string {
	text, _ := o.now()
	return text
}

// now returns all that was written, and what is closed when there is more.
func (o *output) now() (string, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String(), o.grown
}

// wait waits until pattern matches n times and returns the submatches of the
// last of these. done, if not nil, tells that nothing more will come.
func (o *output) wait(t testing.TB, done <-chan struct{}, n int, pattern string) []string {
	t.Helper()
	expr := regexp.MustCompile(pattern)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		text, grown := o.now()
		if found := expr.FindAllStringSubmatch(text, n); len(found) == n {
			return found[n-1]
		}
		select {
		case <-grown:
		case <-done:
			done = nil
			if text, _ := o.now(); len(expr.FindAllString(text, n)) < n {
				t.Fatalf("it ended without %d × %q in\n%s", n, pattern, text)
			}
		case <-timer.C:
			t.Fatalf("no %d × %q in\n%s", n, pattern, text)
		}
	}
}

// lines returns the lines written so far that match.
func (o *output) lines(pattern string) []string {
	expr := regexp.MustCompile(pattern)
	var found []string
	for line := range strings.Lines(o.String()) {
		if line = strings.TrimSuffix(line, "\n"); expr.MatchString(line) {
			found = append(found, line)
		}
	}
	return found
}
