// Package proc reads Linux's /proc: the CPU time and the memory of a process
// with all its children, the CPU time of the whole machine, and what machine
// it is. It knows the files' formats; it must not know what the processes do.
// Start with Tree and Usage.
package proc

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of every time in /proc. proc(5) gives it as
// sysconf(_SC_CLK_TCK), which is 100 Hz on each Linux that Go runs on.
const tick = 10 * time.Millisecond

// Usage is CPU time since the processes started.
type Usage struct {
	User   time.Duration // in ticks; with tick accounting the kernel guesses the split
	System time.Duration // in ticks
	Total  time.Duration // user and system, in nanoseconds where the kernel keeps them
}

// Sub is the time between an earlier usage and this one.
func (u Usage) Sub(earlier Usage) Usage {
	return Usage{User: u.User - earlier.User, System: u.System - earlier.System, Total: u.Total - earlier.Total}
}

// CPU is the time that the process pid, all its threads and its whole tree of
// children have used. Children that have ended and been waited for are in it.
// It fails if pid is gone.
func CPU(pid int) (Usage, error) {
	tree, err := processes(pid)
	if err != nil {
		return Usage{}, err
	}
	var sum Usage
	for _, p := range tree {
		// Ticks are cut off, and the threads' own clocks lack those that have ended: neither is
		// ever above the truth, so the larger is the nearer.
		own := max(p.own.User+p.own.System, scheduled(p.pid))
		sum.User += p.own.User + p.children.User
		sum.System += p.own.System + p.children.System
		sum.Total += own + p.children.User + p.children.System
	}
	return sum, nil
}

// scheduled is the time that the living threads of a process have run, or 0 on
// a kernel without schedstat.
func scheduled(pid int) time.Duration {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		return 0
	}
	var sum time.Duration
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // Ended since the list was made.
		}
		sum += parseSchedstat(string(text))
	}
	return sum
}

// parseSchedstat reads the nanoseconds on a CPU, the first of three numbers.
func parseSchedstat(text string) time.Duration {
	first, _, _ := strings.Cut(text, " ")
	n, err := strconv.ParseInt(first, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(n)
}

// Tree is pid and all its descendants, parents before their children. It
// fails if pid is gone.
func Tree(pid int) ([]int, error) {
	tree, err := processes(pid)
	if err != nil {
		return nil, err
	}
	pids := make([]int, len(tree))
	for i, p := range tree {
		pids[i] = p.pid
	}
	return pids, nil
}

// processes reads all of /proc once and keeps the tree under root.
func processes(root int) ([]process, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var all []process
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err != nil {
			continue
		}
		line, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue // Ended since the list was made.
		}
		p, err := parseStat(string(line))
		if err != nil {
			return nil, fmt.Errorf("read /proc/%s/stat: %w", e.Name(), err)
		}
		all = append(all, p)
	}
	tree := subtree(all, root)
	if len(tree) == 0 {
		return nil, fmt.Errorf("process %d: %w", root, fs.ErrNotExist)
	}
	return tree, nil
}

// process is what one /proc/PID/stat line tells.
type process struct {
	pid, parent   int
	own, children times // of its own threads, and of the children it has waited for
}

type times struct{ User, System time.Duration }

// subtree picks root and its descendants, breadth first.
func subtree(all []process, root int) []process {
	children := make(map[int][]process)
	var tree []process
	for _, p := range all {
		if p.pid == root {
			tree = append(tree, p)
		}
		children[p.parent] = append(children[p.parent], p)
	}
	for i := 0; i < len(tree); i++ {
		tree = slices.Concat(tree, children[tree[i].pid])
	}
	return tree
}

// Fields of /proc/PID/stat behind the closing parenthesis, counted from zero;
// proc(5) numbers them from 3 on.
const (
	fieldParent = 1  // (4) ppid
	fieldUser   = 11 // (14) utime; then stime, cutime, cstime
	fieldsUsed  = 15
)

var errFormat = errors.New("not the expected format")

func parseStat(line string) (process, error) {
	// The name in parentheses may itself hold blanks and parentheses.
	open, end := strings.IndexByte(line, '('), strings.LastIndexByte(line, ')')
	if open < 0 || end < open {
		return process{}, errFormat
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line[:open]))
	if err != nil {
		return process{}, errFormat
	}
	fields := strings.Fields(line[end+1:])
	if len(fields) < fieldsUsed {
		return process{}, errFormat
	}
	parent, err := strconv.Atoi(fields[fieldParent])
	if err != nil {
		return process{}, errFormat
	}
	var t [4]time.Duration
	for i := range t {
		if t[i], err = ticks(fields[fieldUser+i]); err != nil {
			return process{}, err
		}
	}
	return process{pid: pid, parent: parent, own: times{t[0], t[1]}, children: times{t[2], t[3]}}, nil
}

func ticks(field string) (time.Duration, error) {
	n, err := strconv.ParseInt(field, 10, 64)
	if err != nil || n < 0 {
		return 0, errFormat
	}
	return time.Duration(n) * tick, nil
}
