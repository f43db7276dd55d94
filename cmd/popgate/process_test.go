package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// process is a popgate that a test started. It is stopped, by its id, when the
// test ends.
type process struct {
	cmd      *exec.Cmd
	out, err *output
	done     chan struct{} // closed once it has ended; code is set before
	code     int           // -1: a signal ended it
}

// popgate starts the program with args. The environment's POPGATE_ and proxy
// settings don't reach it; env is added.
func popgate(t testing.TB, env []string, args ...string) *process {
	t.Helper()
	return start(t, env, program, args...)
}

// start starts any program as popgate does.
func start(t testing.TB, env []string, name string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(name, args...), out: newOutput(), err: newOutput(), done: make(chan struct{})}
	p.cmd.Env = append(plainEnvironment(), env...)
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.err
	p.cmd.WaitDelay = 5 * time.Second
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		p.code = exitCode(p.cmd.Wait())
	}()
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Logf("%q wrote\n%s\nand to standard error\n%s", p.cmd.Args, p.out, p.err)
		}
	})
	return p
}

// plainEnvironment is what programs need to run, and no setting of whoever runs
// the tests.
func plainEnvironment() []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "SYSTEMROOT"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

func exitCode(err error) int {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return -1
	}
	return 0
}

// stop ends the process if it still runs.
func (p *process) stop() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// signal sends sig to the process.
func (p *process) signal(t testing.TB, sig os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		t.Fatalf("send %v: %v", sig, err)
	}
}

// log waits until pattern matches n times in the log.
func (p *process) log(t testing.TB, n int, pattern string) []string {
	t.Helper()
	return p.err.wait(t, p.done, n, pattern)
}

// exit waits until the process has ended by itself, and insists on its code.
func (p *process) exit(t testing.TB, code int) {
	t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
		t.Fatal("it still runs")
	}
	if p.code != code {
		t.Errorf("exit code %d, want %d", p.code, code)
	}
}

// result is what a command in this process did.
type result struct {
	code     int
	out, err string
}

// runHere runs a command in this process, to its end. One that goes on without
// end is drained.
func runHere(t testing.TB, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, errs := newOutput(), newOutput()
	code := run(ctx, args, streams{in: eof{}, out: out, err: errs})
	return result{code, out.String(), errs.String()}
}

// eof is an empty standard input.
type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }

// reload makes a process read its configuration again; n is how often it has
// by then.
func (p *process) reload(t testing.TB, n int) {
	t.Helper()
	p.signal(t, syscall.SIGHUP)
	p.log(t, n, `(?m) reloaded$|"@message":"reloaded"`)
}
