package e2e

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// composeFiles is the folder of the Compose project.
const composeFiles = "../deploy/compose"

// TestComposeServes: what deploy/compose configures works together: mails that the README's command delivers to a user
// that the README's command has made are read through popgate. There is no container here, but what one would give:
// names, ports, users, capabilities, folders to write in and everything else read-only.
func TestComposeServes(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		missing(t, "Dovecot runs as several users, which only root can start")
	}
	s := newStack(t)
	joe := account{"joe@example.com", newPassword()}
	s.addsUser(t, joe)
	s.startDovecot(t)
	s.startPopgate(t)
	if out, code := s.inside(t, s.popgate, s.healthcheck(t)...); code != 0 {
		t.Errorf("the health check ends with %d: %s", code, out)
	}

	s.delivers(t)
	out, r := s.curl(t, joe, "1")
	r.ok(t)
	if want := "Subject: it works\r\n\r\nHello.\r\n"; string(out) != want {
		t.Errorf("fetched %q, want %q", out, want)
	}
	if _, r := s.curl(t, account{joe.user, newPassword()}, ""); !(curl{}).refused(r) {
		t.Errorf("another password: exit code %d, %s", r.code, r.output)
	}
	s.popgate.log.wait(t, 1, `login: event=login result=ok .*user=joe@example.com`)
	s.popgate.signal(t, syscall.SIGTERM)
	if code := s.popgate.exit(t); code != 0 {
		t.Errorf("popgate ended with %d", code)
	}
}

// stack is the Compose project in a room of its own.
type stack struct {
	room             []string // the command that runs others in it
	dir              string   // a copy of the project, with mail/, and the program
	keys             keyFiles
	dovecot, popgate *process
}

// pop is the name that the configuration has for popgate.
const pop = "pop.example.com"

func newStack(t *testing.T) *stack {
	t.Helper()
	s := &stack{dir: folder(t), room: startRoom(t, "127.0.0.1 localhost dovecot "+pop+"\n")}
	if err := os.CopyFS(s.dir, os.DirFS(composeFiles)); err != nil {
		t.Fatal(err)
	}
	s.keys = newKeys(t, filepath.Join(s.dir, "popgate"), pop)
	// popgate's user can't enter the folder of the tests' own program.
	text, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "program"), text, 0o755); err != nil {
		t.Fatal(err)
	}
	// As Docker makes it for this image.
	mail := filepath.Join(s.dir, "mail")
	if err := os.Mkdir(mail, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(mail, 1000, 1000); err != nil {
		t.Fatal(err)
	}
	return s
}

// block returns the README's block of shell with some words in it.
func (s *stack) block(t *testing.T, words string) string {
	t.Helper()
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(readFile(t, filepath.Join(s.dir, "README.md")), -1) {
		if strings.Contains(block[1], words) {
			return block[1]
		}
	}
	t.Fatalf("no block with %q", words)
	return ""
}

// addsUser runs the README's command that asks for a password, twice.
func (s *stack) addsUser(t *testing.T, a account) {
	t.Helper()
	need(t, "openssl")
	cmd := exec.Command("sh", "-e", "-c", s.block(t, "dovecot/users"))
	cmd.Dir = s.dir
	cmd.Stdin = strings.NewReader(a.password + "\n" + a.password + "\n")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // else it asked at the terminal
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	users := filepath.Join(s.dir, "dovecot/users")
	if info, err := os.Stat(users); err != nil || info.Mode() != 0o600 {
		t.Errorf("others can read the users: %v", err)
	}
	// It mostly belongs to whoever typed that.
	if err := os.Chown(users, 1234, 1234); err != nil {
		t.Fatal(err)
	}
}

// contained runs a program as Compose would run a service: with mounts that end in what follows them, a root that can't
// be written to, and the capabilities that are added to none.
func (s *stack) contained(t *testing.T, mounts, user string, capabilities []string, command ...string) *exec.Cmd {
	t.Helper()
	bounds := "-all"
	for _, name := range capabilities {
		bounds += ",+" + strings.ToLower(name)
	}
	script := "set -e\n" + mounts + "\nmount -o remount,ro,bind /\n" +
		`exec setpriv --no-new-privs --inh-caps=-all --bounding-set="$0" --reuid=` + user + ` --regid=` + user + ` --clear-groups "$@"`
	need(t, "setpriv")
	args := append(slices.Clone(s.room[1:]), "unshare", "--mount", "/bin/sh", "-c", script, bounds)
	return commandIn(s.dir, s.room[0], append(args, command...)...)
}

// commandIn is a command in a folder, with the environment that programs of the tests have.
func commandIn(dir, name string, args ...string) *exec.Cmd {
	cmd := commandOf(name, args...)
	cmd.Dir = dir
	return cmd
}

func (s *stack) startDovecot(t *testing.T) {
	t.Helper()
	path := need(t, "dovecot")
	if out, err := exec.Command(path, "--version").Output(); err != nil || !strings.HasPrefix(string(out), "2.3.") {
		missing(t, "Dovecot 2.3 is needed, as 2.4 is configured differently; here is %q (%v)", out, err)
	}
	added := regexp.MustCompile(`cap_add: \[(.*)\]`).FindStringSubmatch(readFile(t, filepath.Join(s.dir, "compose.yaml")))
	if added == nil {
		t.Fatal("compose.yaml gives Dovecot no capabilities")
	}
	mounts := fmt.Sprintf("mount -t tmpfs tmpfs /srv; mkdir /srv/mail; mount --bind %[1]s/mail /srv/mail\n"+
		"mount --bind %[1]s/dovecot /etc/dovecot; mount -o remount,ro,bind /etc/dovecot\n"+
		"mount -t tmpfs tmpfs /run; mount -t tmpfs tmpfs /var/lib/dovecot", s.dir)
	s.dovecot = start(t, "dovecot", s.contained(t, mounts, "0", strings.Split(added[1], ", "), path, "-F"))
	s.dovecot.log.wait(t, 1, "starting up for pop3")
}

// startPopgate runs it with the project's configuration, but for the certificate, which no CA gives to this test.
func (s *stack) startPopgate(t *testing.T) {
	t.Helper()
	config := filepath.Join(s.dir, "popgate/config.hcl")
	acme := regexp.MustCompile(`(?s)\n  acme \{.*?\n  \}`)
	text := readFile(t, config)
	if len(acme.FindAllString(text, -1)) != 1 {
		t.Fatalf("there is not one acme block in\n%s", text)
	}
	files := fmt.Sprintf("\n  certificate \"pop\" {\n    cert_file = %q\n    key_file = %q\n  }", s.keys.cert(pop), s.keys.key(pop))
	write(t, config, acme.ReplaceAllString(text, files))
	s.own(t, "popgate")
	mounts := "mount -t tmpfs tmpfs /run; mkdir /run/popgate; mount -t tmpfs tmpfs /run/popgate"
	s.popgate = start(t, "popgate", s.contained(t, mounts, "65532", nil, filepath.Join(s.dir, "program"), "serve", "--config", config))
	t.Cleanup(func() { s.popgate.check(t) })
	s.popgate.log.wait(t, 1, `listening: .*:9950`)
}

// own gives a folder and the files in it to popgate's user.
func (s *stack) own(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(s.dir, dir), func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, 65532, 65532)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// healthcheck is the command in compose.yaml, with the program where it is here.
func (s *stack) healthcheck(t *testing.T) []string {
	t.Helper()
	found := regexp.MustCompile(`test: \["CMD", "/popgate", (.*)\]`).FindStringSubmatch(readFile(t, filepath.Join(s.dir, "compose.yaml")))
	if found == nil {
		t.Fatal("compose.yaml has no health check")
	}
	args := []string{filepath.Join(s.dir, "program")}
	for _, arg := range strings.Split(found[1], ", ") {
		arg, err := strconv.Unquote(arg)
		if err != nil {
			t.Fatal(err)
		}
		args = append(args, arg)
	}
	return args
}

// entry is the command that runs others where a process is, as `docker compose exec` does.
func entry(p *process) []string {
	return []string{"nsenter", "--target", strconv.Itoa(p.cmd.Process.Pid), "--mount", "--net"}
}

// inside runs a command where a process is.
func (s *stack) inside(t *testing.T, p *process, command ...string) (out string, code int) {
	t.Helper()
	args := append(entry(p), command...)
	text, err := commandIn(s.dir, args[0], args[1:]...).CombinedOutput()
	return string(text), exitCode(err)
}

// delivers runs the README's command that delivers a mail, with something in the place of Docker.
func (s *stack) delivers(t *testing.T) {
	t.Helper()
	bin := filepath.Join(s.dir, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	docker := fmt.Sprintf("#!/bin/sh\n[ \"$1 $2 $3 $4\" = \"compose exec -T dovecot\" ] || exit 1\nshift 4\nexec %s \"$@\"\n",
		strings.Join(entry(s.dovecot), " "))
	if err := os.Chmod(write(t, filepath.Join(bin, "docker"), docker), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-e", "-c", s.block(t, "doveadm save"))
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// curl asks popgate in the room.
func (s *stack) curl(t *testing.T, a account, path string) ([]byte, result) {
	t.Helper()
	need(t, "curl")
	config := fmt.Sprintf("silent\nshow-error\nurl = \"pop3s://%s:9950/%s\"\nuser = %s\ncacert = %s\n",
		pop, path, quote(a.user+":"+a.password), quote(s.keys.ca()))
	return run(t, s.dir, config, s.room[0], append(slices.Clone(s.room[1:]), "curl", "-q", "-K", "-")...)
}
