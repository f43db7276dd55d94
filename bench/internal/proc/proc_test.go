package proc

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	const numbers = " S 7 1 1 0 -1 4194304 10 20 30 40 11 22 33 44 20 0 1 0 99 1 2 3"
	const ms = time.Millisecond
	want := process{pid: 42, parent: 7, own: times{110 * ms, 220 * ms}, children: times{330 * ms, 440 * ms}}
	for _, name := range []string{"nginx", "a b", "a) S 1 (b", "", "("} {
		got, err := parseStat("42 (" + name + ")" + numbers + "\n")
		if err != nil || got != want {
			t.Errorf("name %q: got %+v, %v; want %+v", name, got, err, want)
		}
	}
}

func TestParseStatRefuses(t *testing.T) {
	for _, line := range []string{
		"", "42", "42 (x", ")42(", "x (y) S 7 1 1 0 -1 0 0 0 0 0 1 1 1 1 0",
		"42 (x) S 7 1 1",
		"42 (x) S p 1 1 0 -1 0 0 0 0 0 1 1 1 1 0",
		"42 (x) S 7 1 1 0 -1 0 0 0 0 0 1 x 1 1 0",
		"42 (x) S 7 1 1 0 -1 0 0 0 0 0 1 -1 1 1 0",
	} {
		if p, err := parseStat(line); err == nil {
			t.Errorf("%q: got %+v, want an error", line, p)
		}
	}
}

func TestSubtreeTakesGrandchildrenOnly(t *testing.T) {
	all := []process{{pid: 9, parent: 5}, {pid: 1}, {pid: 5, parent: 3}, {pid: 3, parent: 1}, {pid: 4, parent: 1}}
	var pids []int
	for _, p := range subtree(all, 3) {
		pids = append(pids, p.pid)
	}
	if want := []int{3, 5, 9}; !slices.Equal(pids, want) {
		t.Errorf("got %v, want %v", pids, want)
	}
	if got := subtree(all, 77); len(got) != 0 {
		t.Errorf("a process that isn't there has the tree %v", got)
	}
}

func TestParsePSS(t *testing.T) {
	got, err := parsePSS("5555-7777 ---p 0 00:00 0 [rollup]\nRss:  9 kB\nPss:        2345 kB\nPss_Anon: 1 kB\n")
	if err != nil || got != 2345<<10 {
		t.Errorf("got %d, %v", got, err)
	}
	for _, text := range []string{"", "Rss: 9 kB\n", "Pss: 9\n", "Pss: x kB\n"} {
		if n, err := parsePSS(text); err == nil {
			t.Errorf("%q: got %d, want an error", text, n)
		}
	}
}

func TestParseBusyLeavesOutIdle(t *testing.T) {
	got, err := parseBusy("cpu  100 20 3 9999 8 7 6 5 0 0\ncpu0 1 1 1 1\n")
	if err != nil || got != 1230*time.Millisecond {
		t.Errorf("got %v, %v", got, err)
	}
	for _, text := range []string{"", "cpu0 1 2 3 4\n", "cpu 1 2\n", "cpu 1 x 3\n"} {
		if d, err := parseBusy(text); err == nil {
			t.Errorf("%q: got %v, want an error", text, d)
		}
	}
}

func TestParseModel(t *testing.T) {
	if got := parseModel("processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nmodel name\t: other\n"); got != "Some CPU @ 2 GHz" {
		t.Errorf("got %q", got)
	}
	if got := parseModel("processor : 0\n"); got != "" {
		t.Errorf("got %q, want none", got)
	}
}

func TestUsageSub(t *testing.T) {
	got := Usage{User: 5, System: 9, Total: 15}.Sub(Usage{User: 2, System: 3, Total: 6})
	if want := (Usage{User: 3, System: 6, Total: 9}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestParseSchedstat(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"8001234 5 6\n": 8001234, "0 0 0\n": 0, "": 0, "x 1 2\n": 0, "-4 1 2\n": 0,
	} {
		if got := parseSchedstat(text); got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
}

// The rest reads the real /proc.

func TestTreeHoldsALivingChild(t *testing.T) {
	needLinux(t)
	child := exec.Command("cat")
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	tree, err := Tree(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if tree[0] != os.Getpid() || !slices.Contains(tree, child.Process.Pid) {
		t.Errorf("tree %v lacks %d or its child %d", tree, os.Getpid(), child.Process.Pid)
	}
	if err := errors.Join(in.Close(), child.Wait()); err != nil {
		t.Fatal(err)
	}
	if _, err := CPU(child.Process.Pid); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("CPU of an ended process: %v, want %v", err, fs.ErrNotExist)
	}
}

func TestOwnNumbers(t *testing.T) {
	needLinux(t)
	if n, err := Memory(os.Getpid()); err != nil || n < 1<<20 {
		t.Errorf("memory of a Go process: %d bytes, %v", n, err)
	}
	used, err := CPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if used.Total <= 0 || used.Total < used.User+used.System {
		t.Errorf("CPU time: %+v", used)
	}
	if busy, err := Busy(); err != nil || busy < used.Total {
		t.Errorf("the machine was busy for %v, this process for %v, %v", busy, used.Total, err)
	}
	if Kernel() == "" {
		t.Error("no kernel release")
	}
}

func needLinux(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: needs Linux's /proc")
	}
}
