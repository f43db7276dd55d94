//go:build linux

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestNoCoreIsLeft: what kills popgate leaves nothing of its memory behind, though the system would let it and Go was told
// to (GOTRACEBACK=crash): there are passwords in it.
func TestNoCoreIsLeft(t *testing.T) {
	t.Parallel()
	prlimit := need(t, "prlimit")
	control := exec.Command(prlimit, "--core=unlimited", "sh", "-c", "kill -ABRT $$")
	control.Dir = t.TempDir()
	if err := control.Run(); err == nil || !dumped(control) {
		missing(t, "this machine makes no core dumps (%v)", err)
	}
	for _, sig := range []syscall.Signal{syscall.SIGQUIT, syscall.SIGABRT, syscall.SIGSEGV} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			dir := folder(t)
			newKeys(t, dir, host)
			s := settings{backends: backend("legacy", 110)}.filled(t)
			config := write(t, filepath.Join(dir, "config.hcl"), s.text(keyFiles{dir}))
			cmd := commandOf(prlimit, "--core=unlimited", program, "serve", "--config", config)
			cmd.Dir = dir
			cmd.Env = append(cmd.Env, "GOTRACEBACK=crash")
			p := start(t, "popgate", cmd)
			p.log.wait(t, 2, "listening")
			if limit := coreLimit(t, cmd.Process.Pid); limit != "0 0" {
				t.Errorf("the limit of core dumps is %q, want 0 0", limit)
			}
			p.signal(t, sig)
			p.exit(t)
			if dumped(cmd) {
				t.Errorf("%v left a core", sig)
			}
			if cores, _ := filepath.Glob(filepath.Join(dir, "*core*")); len(cores) > 0 {
				t.Errorf("%v left %q", sig, cores)
			}
		})
	}
}

// dumped tells whether the kernel says that it has written a core.
func dumped(cmd *exec.Cmd) bool {
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.CoreDump()
}

// coreLimit returns the soft and the hard limit of a process.
func coreLimit(t testing.TB, pid int) string {
	t.Helper()
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/limits")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "Max core file size"); ok {
			return strings.Join(strings.Fields(rest)[:2], " ")
		}
	}
	t.Fatalf("no limit of core dumps in %s", text)
	return ""
}

// TestOrdinaryUserHasProcessNumbers: that nobody may look into popgate doesn't keep popgate itself from telling its own
// numbers, when it doesn't run as root either.
func TestOrdinaryUserHasProcessNumbers(t *testing.T) {
	t.Parallel()
	run := []string(nil)
	if os.Getuid() == 0 {
		run = []string{need(t, "setpriv"), "--reuid=65534", "--regid=65534", "--clear-groups", readable(t, program)}
	}
	port := freePort(t)
	dir := folder(t)
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	config := write(t, filepath.Join(dir, "config.hcl"), "tls {\n  self_signed = true\n}\nlistener \"a\" {\n  address = \"127.0.0.1:0\"\n}\n"+
		"admin {\n  socket = \"admin.sock\"\n  address = "+strconv.Quote(loopback(port))+"\n}\n"+backend("legacy", 110))
	if run == nil {
		run = []string{program}
	}
	p := start(t, "popgate", commandOf(run[0], append(run[1:], "serve", "--config", config)...))
	p.log.wait(t, 1, "status page and metrics are served")
	for _, name := range []string{"process_open_fds", "process_max_fds", "process_resident_memory_bytes", "process_start_time_seconds"} {
		if tcpDesk(port, "").number(t, name) <= 0 {
			t.Errorf("there is no %s", name)
		}
	}
}

// readable copies a program to where every user can run it.
func readable(t testing.TB, program string) string {
	t.Helper()
	text, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder(t), "popgate")
	if err := os.WriteFile(path, text, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}
