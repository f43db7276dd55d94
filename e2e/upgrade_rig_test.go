package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// dynasty is a popgate that others follow. Its log is a file, which outlives each of them.
type dynasty struct {
	*popgate
	program string // its own copy, which a test may replace
	desk    desk
	logFile string
	first   *exec.Cmd
	ended   chan struct{} // closed once the first process has ended
	pid     int           // of the process that serves, as far as the test knows
}

// startDynasty runs a popgate that can be upgraded, by settings.run if it is set, until the test ends.
func startDynasty(t *testing.T, s settings) *dynasty {
	t.Helper()
	d := prepareDynasty(t, s)
	d.beginWith(t, append(slices.Clone(s.run), d.program, "serve", "--config", d.config), s.env)
	return d
}

// prepareDynasty makes all that one needs.
func prepareDynasty(t *testing.T, s settings) *dynasty {
	t.Helper()
	s = s.filled(t)
	dir := folder(t)
	keys := newKeys(t, dir, s.hosts...)
	d := &dynasty{
		popgate: &popgate{config: write(t, filepath.Join(dir, "config.hcl"), s.text(keys))},
		program: filepath.Join(dir, "popgate"), logFile: filepath.Join(dir, "log"),
	}
	d.install(t, program)
	d.implicit = endpoint{host: s.hosts[0], port: s.ports[0], security: implicitTLS, version: "1.3", ca: keys.ca()}
	d.starttls = d.implicit
	d.starttls.port, d.starttls.security = s.ports[1], startTLS
	d.desk = socketDesk(t, d.popgate)
	return d
}

// beginWith starts the first process, which gets files from descriptor 3 on.
func (d *dynasty) beginWith(t *testing.T, run, env []string, files ...*os.File) {
	t.Helper()
	log, err := os.OpenFile(d.logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	d.first = commandOf(run[0], run[1:]...)
	d.first.Env = append(d.first.Env, env...)
	d.first.Stderr, d.first.ExtraFiles = log, files
	if err := d.first.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	d.ended, d.pid = ended, d.first.Process.Pid
	first := d.first
	go func() {
		defer close(ended)
		_ = first.Wait()
	}()
	t.Cleanup(func() { d.end(t, ended) })
	d.awaitReady(t)
}

// awaitReady waits until popgate serves.
func (d *dynasty) awaitReady(t *testing.T) {
	t.Helper()
	eventually(t, "popgate is ready", func() bool {
		select {
		case <-d.ended:
			t.Fatalf("popgate has ended:\n%s", d.log(t))
		default:
		}
		got, err := d.desk.try(http.MethodGet, "/readyz", "", nil)
		return err == nil && got.status == http.StatusOK
	})
}

// install puts a program where popgate's is, as package managers do: beside it, and renamed.
func (d *dynasty) install(t *testing.T, from string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	beside := d.program + ".new"
	// No process may start meanwhile: it would have the file open for writing for a moment, in which it can't be run.
	syscall.ForkLock.RLock()
	err = os.WriteFile(beside, data, 0o700)
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(beside, d.program); err != nil {
		t.Fatal(err)
	}
}

// processes are those that run this test's program, by their arguments; the dead that nobody has asked about don't count.
func (d *dynasty) processes(t testing.TB) (pids []int) {
	t.Helper()
	folders, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		line, err := os.ReadFile(filepath.Join(folder, "cmdline"))
		if err != nil || !strings.Contains(string(line), d.program+"\x00serve") {
			continue // it has ended meanwhile
		}
		if pid, err := strconv.Atoi(filepath.Base(folder)); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// end ends all of them, and looks into their log for what must never be there.
func (d *dynasty) end(t *testing.T, ended <-chan struct{}) {
	t.Helper()
	for began := time.Now(); ; {
		pids := d.processes(t)
		if len(pids) == 0 {
			break
		}
		sig := syscall.SIGTERM
		if time.Since(began) > 10*time.Second {
			sig = syscall.SIGKILL
		}
		for _, pid := range pids {
			_ = syscall.Kill(pid, sig)
		}
		wait(200 * time.Millisecond)
	}
	<-ended
	log := d.log(t)
	if form := leaks([]byte(log)); form != "" {
		t.Errorf("popgate's log holds a password (%s)", form)
	}
	for _, word := range []string{"panic", "DATA RACE", "goroutine "} {
		if strings.Contains(log, word) {
			t.Errorf("popgate's log holds %q", word)
		}
	}
	if t.Failed() {
		t.Logf("the log:\n%s", log)
	}
}

// wait lets time pass for what announces itself nowhere.
func wait(d time.Duration) { <-time.After(d) }

func (d *dynasty) log(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(d.logFile)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// logs waits until a line of the log matches, n times.
func (d *dynasty) logs(t testing.TB, n int, pattern string) {
	t.Helper()
	expr := regexp.MustCompile(pattern)
	eventually(t, fmt.Sprintf("the log has %q %d times", pattern, n), func() bool {
		return len(expr.FindAllString(d.log(t), -1)) >= n
	})
}

// upgrade lets the next process take over.
func (d *dynasty) upgrade(t *testing.T) {
	t.Helper()
	var got answer
	eventually(t, "the upgrade before is over", func() bool {
		got = d.desk.ask(t, http.MethodPost, "/v1/upgrade", "")
		return got.code() != "upgrading"
	})
	var done struct {
		Done string
		PID  int
	}
	if err := json.Unmarshal([]byte(got.body), &done); err != nil || got.status != http.StatusOK || done.Done != "upgraded" || done.PID == d.pid {
		t.Fatalf("the upgrade was answered %d %s", got.status, got.body)
	}
	d.pid = done.PID
}

// newest is the process that has last said that it serves.
func (d *dynasty) newest(t *testing.T) int {
	t.Helper()
	said := regexp.MustCompile(`this process serves from now on: pid=(\d+)`).FindAllStringSubmatch(d.log(t), -1)
	if len(said) == 0 {
		t.Fatal("no process has said that it serves")
	}
	pid, _ := strconv.Atoi(said[len(said)-1][1])
	return pid
}

// alone waits until the process that serves is the only one.
func (d *dynasty) alone(t *testing.T) {
	t.Helper()
	eventually(t, "one process is left", func() bool {
		pids := d.processes(t)
		return len(pids) == 1 && pids[0] == d.pid
	})
}
