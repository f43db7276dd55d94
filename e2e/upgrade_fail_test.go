package e2e

import (
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestUpgradeThatFails: a program that is broken, of another kind, or that can't use the configuration changes nothing: who
// asked is told why, sessions and the socket are as before, no process and no descriptor is left, and the next upgrade works.
func TestUpgradeThatFails(t *testing.T) {
	t.Parallel()
	b := startBuiltin(t)
	joe := b.mailbox(t, "joe", threeMails())
	s := settings{backends: backend("legacy", b.port())}.filled(t)
	d := startDynasty(t, s)
	good := readFile(t, d.config)
	w := dial(t, d.implicit)
	insistLogin(t, w, joe, in)
	script := func(text string) func() {
		return func() { d.install(t, write(t, filepath.Join(folder(t), "script"), "#!/bin/sh\n"+text)) }
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	config := func(text string) func() { return func() { write(t, d.config, text) } }
	descriptors := d.desk.number(t, "process_open_fds")
	for name, test := range map[string]struct {
		spoil func()
		why   string
	}{
		"its last line":    {script("echo first >&2\necho all is lost >&2\nexit 3\n"), "(exit status 3): all is lost"},
		"silent":           {script("exit 0\n"), "the new process has ended without a word"},
		"no program":       {func() { d.install(t, d.config) }, "exec format error"},
		"missing":          {func() { os.Remove(d.program) }, "no such file"},
		"an unknown word":  {config(strings.Replace(good, "hostname", "hostnam", 1)), "hostnam"},
		"no certificate":   {config(strings.Replace(good, host+".crt", "nowhere.crt", 1)), "nowhere.crt"},
		"a port is taken":  {config(strings.Replace(good, loopback(s.ports[0]), taken.Addr().String(), 1)), "address already in use"},
		"it hangs up":      {script("exec 3<&- 4>&-\nexec sleep 60\n"), "the new process has ended without a word"},
		"it speaks noise":  {script("echo '{}' >&4\nexec sleep 60\n"), "the old process goes on"},
		"a config as file": {config("\x00"), "config.hcl"},
		"it dies behind":   {script("echo '{\"ready\":true}' >&4\nexit 3\n"), "the new process has ended without a word"},
		"it hangs behind":  {script("echo '{\"ready\":true}' >&4\nexec sleep 60\n"), "the new process doesn't begin to serve within 2s"},
		"its child stays":  {script("sleep 60 2>&1 >&4 &\necho all is lost >&2\nexit 3\n"), "(exit status 3): all is lost"},
	} {
		test.spoil()
		refused := d.desk.refuses(t, http.MethodPost, "/v1/upgrade", "", http.StatusUnprocessableEntity, "upgrade_failed")
		if !strings.Contains(refused.body, test.why) {
			t.Errorf("%s: the answer doesn't tell of %q: %s", name, test.why, refused.body)
		}
		d.desk.do(t, http.MethodGet, "/readyz", "", nil)
		w.ok("NOOP")
		other := dial(t, d.starttls)
		insistLogin(t, other, joe, in)
		other.quit()
		if pids := d.processes(t); !slices.Equal(pids, []int{d.pid}) {
			t.Errorf("%s: the processes are %d, want %d", name, pids, d.pid)
		}
		write(t, d.config, good)
		d.install(t, program)
	}
	d.logs(t, 5, `\[ERROR\] popgate: upgrade failed, the old process goes on: error=`)
	eventually(t, "no descriptor is left", func() bool { return d.desk.number(t, "process_open_fds") <= descriptors })
	d.upgrade(t)
	w.ok("DELE 1")
	w.quit()
	if got, want := b.left(t, joe), []string{"two", "three"}; !slices.Equal(got, want) {
		t.Errorf("the mailbox holds %q, want %q", got, want)
	}
	d.alone(t)
}

// TestUpgradeUnderWay: while a new process takes its time, another upgrade is refused, a reload by call too, SIGHUP waits, and
// SIGTERM calls the upgrade off: the new process is ended, and sessions end as ever.
func TestUpgradeUnderWay(t *testing.T) {
	t.Parallel()
	b := startBuiltin(t)
	joe := b.mailbox(t, "joe", threeMails())
	d := startDynasty(t, settings{backends: backend("legacy", b.port())})
	w := dial(t, d.implicit)
	insistLogin(t, w, joe, in)
	dir := folder(t)
	started := filepath.Join(dir, "pid")
	d.install(t, write(t, filepath.Join(dir, "script"), "#!/bin/sh\necho $$ >"+started+"\nexec sleep 60\n"))
	answered := make(chan answer, 1)
	go func() {
		got, err := d.desk.try(http.MethodPost, "/v1/upgrade", "", nil)
		if err != nil {
			t.Error(err)
		}
		answered <- got
	}()
	var pid int
	eventually(t, "the new process runs", func() bool {
		text, _ := os.ReadFile(started)
		pid, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		return pid > 0
	})
	d.desk.refuses(t, http.MethodPost, "/v1/upgrade", "", http.StatusConflict, "upgrading")
	d.desk.refuses(t, http.MethodPost, "/v1/reload", "", http.StatusConflict, "upgrading")
	d.desk.do(t, http.MethodGet, "/readyz", "", nil)
	for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGUSR2} {
		if err := syscall.Kill(d.pid, sig); err != nil {
			t.Fatal(err)
		}
	}
	d.logs(t, 2, `\[WARN\] +popgate: upgrade refused, one is under way`)
	if strings.Contains(d.log(t), "popgate: reloaded") {
		t.Error("it was reloaded during the upgrade")
	}
	if err := syscall.Kill(d.pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := <-answered; got.code() != "shutting_down" {
		t.Errorf("the upgrade was answered %d %s", got.status, got.body)
	}
	w.ok("DELE 1")
	w.quit()
	<-d.ended
	if code := d.first.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	if err := syscall.Kill(pid, 0); err == nil {
		t.Error("the new process is still there")
	}
	if got, want := b.left(t, joe), []string{"two", "three"}; !slices.Equal(got, want) {
		t.Errorf("the mailbox holds %q, want %q", got, want)
	}
}

// TestSignalsWithTheOutcome: a SIGTERM that comes just when the new process can serve ends both, and a SIGHUP is passed on.
func TestSignalsWithTheOutcome(t *testing.T) {
	t.Parallel()
	b := startBuiltin(t)
	for range 3 {
		for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP} {
			d := startDynasty(t, settings{backends: backend("legacy", b.port())})
			if err := os.Rename(d.program, d.program+".real"); err != nil {
				t.Fatal(err)
			}
			let := filepath.Join(folder(t), "let")
			// With the arguments of the program that it stands for, as that is how processes are found.
			d.install(t, write(t, filepath.Join(folder(t), "script"),
				"#!/bin/bash\nuntil test -e "+let+"; do sleep 0.02; done\nexec -a "+d.program+" "+d.program+".real \"$@\"\n"))
			if err := syscall.Kill(d.pid, syscall.SIGUSR2); err != nil {
				t.Fatal(err)
			}
			d.logs(t, 1, "popgate: upgrade begins")
			if err := syscall.Kill(d.pid, syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			write(t, let, "")
			wait(700 * time.Millisecond) // the new one becomes ready; if it doesn't, the signal comes first
			for _, s := range []syscall.Signal{sig, syscall.SIGCONT} {
				if err := syscall.Kill(d.pid, s); err != nil {
					t.Fatal(err)
				}
			}
			if sig == syscall.SIGHUP {
				d.logs(t, 1, "popgate: reloaded")
				continue
			}
			eventually(t, "no process is left", func() bool { return len(d.processes(t)) == 0 })
		}
	}
}

// TestUpgradedProcess: the new process runs the new program with the configuration of now, in the same process group, with
// no descriptor and no variable of the hand-over; clients resume their TLS sessions, and drained backends stay drained.
func TestUpgradedProcess(t *testing.T) {
	t.Parallel()
	b := startBuiltin(t)
	d := startDynasty(t, settings{backends: backend("legacy", b.port()), env: []string{"POPGATE_TEST=kept"}})
	config := guestTLS(t, d.implicit)
	config.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	resumed := func() bool {
		t.Helper()
		g, err := visitFrom("127.0.0.1", d.implicit, config)
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		return g.Conn.(*tls.Conn).ConnectionState().DidResume
	}
	resumed()
	if !resumed() {
		t.Fatal("sessions aren't resumed at all")
	}
	d.desk.do(t, http.MethodPost, "/v1/backends/legacy/drain", "", nil)
	group, err := syscall.Getpgid(d.pid)
	if err != nil {
		t.Fatal(err)
	}
	write(t, d.config, strings.Replace(readFile(t, d.config), host, "elsewhere.example", 1))
	d.upgrade(t)
	if !resumed() {
		t.Error("the session isn't resumed after the upgrade")
	}
	var list struct{ Backends []struct{ State string } }
	d.desk.get(t, "/v1/backends", &list)
	if len(list.Backends) != 1 || list.Backends[0].State != "draining" {
		t.Errorf("the backends are %v, want one that is draining", list.Backends)
	}
	var status struct{ Hostname string }
	if d.desk.get(t, "/v1/status", &status); status.Hostname != "elsewhere.example" {
		t.Errorf("the host name is %q, want that of the new configuration", status.Hostname)
	}
	if got, err := syscall.Getpgid(d.pid); err != nil || got != group {
		t.Errorf("the process group is %d, %v; want %d", got, err, group)
	}
	environment := readFile(t, "/proc/"+strconv.Itoa(d.pid)+"/environ")
	if !strings.Contains(environment, "POPGATE_TEST=kept") || strings.Contains(environment, "LISTEN_") {
		t.Errorf("the environment is %q", environment)
	}
	d.alone(t)
}

// TestUpgradeKeepsBlocks: who is blocked stays so, and who is welcome gets in in spite of it.
func TestUpgradeKeepsBlocks(t *testing.T) {
	t.Parallel()
	b := startBuiltin(t)
	joe, ann := b.mailbox(t, "joe", threeMails()), b.mailbox(t, "ann", nil)
	d := startDynasty(t, settings{backends: backend("legacy", b.port()) + "blocking {\n  failures_per_ip = 3\n}\n"})
	const office = "127.0.0.2"
	refused := func(what, password string) {
		t.Helper()
		w := dialFrom(t, d.implicit, office)
		defer w.Close()
		w.ok("USER " + joe.user)
		if answer := w.command("PASS " + password); !strings.HasPrefix(answer, "-ERR") {
			t.Fatalf("%s was answered %q", what, answer)
		}
	}
	welcome := func() {
		t.Helper()
		w := dialFrom(t, d.implicit, office)
		w.login(ann)
		w.quit()
	}
	check := func() {
		t.Helper()
		refused("who is blocked", joe.password)
		welcome()
	}
	welcome()
	for range 3 {
		refused("a wrong password", newPassword())
	}
	check()
	for range 2 {
		d.upgrade(t)
		check()
	}
	var list struct{ Blocks []struct{ Address string } }
	d.desk.get(t, "/v1/blocks", &list)
	if len(list.Blocks) != 1 {
		t.Errorf("the blocks are %+v", list)
	}
}
