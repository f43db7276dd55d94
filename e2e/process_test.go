package e2e

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long the tests wait for something that should be there at once. It is long because machines that
// run tests can be slow; nothing but a failure ever takes so long.
const patience = 30 * time.Second

// process is a server that a test started. It is stopped, by its id, when the test ends.
type process struct {
	name string
	cmd  *exec.Cmd
	log  *output       // what it wrote to standard output and standard error
	done chan struct{} // closed once it has ended; code is set before
	code int
}

// start runs cmd in the background until the test ends. The log is without standard error if cmd has a file for that.
func start(t testing.TB, name string, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{name: name, cmd: cmd, log: newOutput(), done: make(chan struct{})}
	cmd.Stdout = p.log
	if cmd.Stderr == nil {
		cmd.Stderr = p.log
	}
	// A grandchild that keeps the pipe open must not hold up the test.
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	go func() {
		defer close(p.done)
		p.code = exitCode(cmd.Wait())
	}()
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Logf("%s wrote:\n%s", name, p.log.text())
		}
	})
	return p
}

// stop ends the process if it still runs: politely, then by force.
func (p *process) stop() {
	select {
	case <-p.done:
		return
	default:
	}
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
		return
	case <-time.After(5 * time.Second):
	}
	p.cmd.Process.Kill()
	<-p.done
}

// signal sends sig to the process.
func (p *process) signal(t testing.TB, sig os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		t.Fatalf("send %v to %s: %v", sig, p.name, err)
	}
}

// stopAtOnce is impatient with a process that ends already: signals come again and again, as one that comes with its
// double isn't a second one.
func (p *process) stopAtOnce(t testing.TB) {
	t.Helper()
	for began := time.Now(); time.Since(began) < patience; {
		select {
		case <-p.done:
			return
		case <-time.After(50 * time.Millisecond):
			_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		}
	}
	t.Fatalf("%s still runs", p.name)
}

// exit waits until the process has ended by itself and returns its exit code.
func (p *process) exit(t testing.TB) int {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		t.Fatalf("%s still runs", p.name)
	}
	return p.code
}

// exitCode returns the exit code behind the error of exec.Cmd.Wait; -1 for a process that a signal ended.
func exitCode(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	return -1
}

// output keeps what a process writes and lets tests wait for parts of it.
type output struct {
	mu      sync.Mutex
	bytes   []byte
	changed chan struct{} // closed and replaced at each write
}

func newOutput() *output { return &output{changed: make(chan struct{})} }

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bytes = append(o.bytes, b...)
	close(o.changed)
	o.changed = make(chan struct{})
	return len(b), nil
}

func (o *output) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.bytes)
}

// lines returns the lines written so far that match the pattern.
func (o *output) lines(pattern string) []string {
	expr := regexp.MustCompile(pattern)
	var found []string
	for line := range strings.Lines(o.text()) {
		if expr.MatchString(line) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

// wait returns the lines that match the pattern once there are at least n of them.
func (o *output) wait(t testing.TB, n int, pattern string) []string {
	t.Helper()
	expired := time.After(patience)
	for {
		o.mu.Lock()
		changed := o.changed
		o.mu.Unlock()
		if found := o.lines(pattern); len(found) >= n {
			return found
		}
		select {
		case <-changed:
		case <-expired:
			t.Fatalf("no %d lines match %q in\n%s", n, pattern, o.text())
		}
	}
}

// eventually polls until ready holds. It is for things outside of the test that announce themselves nowhere: files
// that another program deletes, a port that opens.
func eventually(t testing.TB, what string, ready func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ready() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}
