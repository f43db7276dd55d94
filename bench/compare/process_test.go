package main

import (
	"errors"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"popgate/bench/internal/proc"
)

// shell starts a script as a server that has printed "up" when this returns.
func shell(t *testing.T, script string) *process {
	t.Helper()
	needLinux(t)
	cmd := exec.Command("sh", "-c", script)
	p, err := launch("shell", cmd, filepath.Join(t.TempDir(), "log"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.stop(time.Millisecond) })
	for start := time.Now(); !strings.Contains(p.lastWords(), "up"); {
		if time.Since(start) > 10*time.Second {
			t.Fatal("the shell doesn't start")
		}
		if err := wait(t.Context(), time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func TestStopEndsAProcess(t *testing.T) {
	for _, test := range []struct {
		name, script string
		grace        time.Duration
		want         string // what Wait says
	}{
		{"that obeys", "echo up; exec sleep 60", 10 * time.Second, "signal: terminated"},
		{"that drains at the first signal", "trap 'trap \"exit 3\" TERM' TERM; echo up; while :; do sleep 0.01; done", time.Second, "exit status 3"},
		{"that ignores signals", "trap '' TERM; echo up; while :; do sleep 0.01; done", 10 * time.Millisecond, "signal: killed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := shell(t, test.script)
			p.stop(test.grace)
			select {
			case <-p.ended:
			case <-time.After(10 * time.Second):
				t.Fatal("it runs on")
			}
			if p.result == nil || p.result.Error() != test.want {
				t.Errorf("ended with %v, want %s", p.result, test.want)
			}
		})
	}
}

func TestStopEndsChildrenLeftBehind(t *testing.T) {
	p := shell(t, "trap '' TERM; sleep 60 & echo up; wait; wait")
	tree, err := proc.Tree(p.pid())
	if err != nil || len(tree) != 2 {
		t.Fatalf("the tree is %v, %v", tree, err)
	}
	p.stop(10 * time.Millisecond)
	// Killed, but the process that adopted it may not have waited for it yet.
	for start := time.Now(); time.Since(start) < 10*time.Second; {
		if _, err := proc.Memory(tree[1]); err != nil {
			return
		}
		if err := wait(t.Context(), time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	t.Error("the child runs on")
}

func TestReadyTellsOfAnEarlyEnd(t *testing.T) {
	p := shell(t, "echo up; echo no such word >&2; exit 2")
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	err = p.ready(t.Context(), address)
	if err == nil || !strings.Contains(err.Error(), "exit status 2") || !strings.Contains(err.Error(), "no such word") {
		t.Errorf("got %v", err)
	}
	if _, err := proc.CPU(p.pid()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("CPU of the ended process: %v", err)
	}
}
