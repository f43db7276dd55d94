package main

import (
	"bytes"
	"context"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"popgate/internal/demo"
)

// need skips the test where a program is missing, or fails it where
// POPGATE_E2E_REQUIRE=1 says that all have to be there.
func need(t testing.TB, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err == nil {
			continue
		}
		if os.Getenv("POPGATE_E2E_REQUIRE") == "1" {
			t.Fatalf("POPGATE_E2E_REQUIRE=1, but %s is not installed", name)
		}
		t.Skipf("SKIPPED: %s is not installed", name)
	}
}

// startDemo starts the demo, with its files below dir, until it has said what
// to try.
func startDemo(t testing.TB, dir string) *process {
	t.Helper()
	p := popgate(t, []string{"TMPDIR=" + dir}, "demo")
	p.out.wait(t, p.done, 1, `Ctrl-C ends the demo.*\n`)
	return p
}

// pasted are the lines that the demo prints for a shell.
func pasted(p *process, command string) []string {
	var lines []string
	for _, line := range p.out.lines(`^  ` + command + ` `) {
		lines = append(lines, strings.TrimSpace(line))
	}
	return lines
}

// paste runs a line in a shell, with what would be typed into it.
func paste(t testing.TB, line, typed string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", line)
	cmd.Env = plainEnvironment()
	cmd.Dir = t.TempDir()
	cmd.Stdin = strings.NewReader(typed)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Errorf("%s\n%v: %s", line, err, errs.String())
	}
	return out.String()
}

// interrupt ends a demo by Ctrl-C and insists that nothing of it is left.
func interrupt(t testing.TB, p *process, dir string) {
	t.Helper()
	p.signal(t, syscall.SIGINT)
	p.exit(t, exitOK)
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range left {
		t.Errorf("%s is left", entry.Name())
	}
}

// TestDemoCurl: the curl lines work as they are printed: one lists the mails,
// the other reads the first one, byte for byte.
func TestDemoCurl(t *testing.T) {
	t.Parallel()
	need(t, "sh", "curl")
	dir := t.TempDir()
	p := startDemo(t, dir)
	lines := pasted(p, "curl")
	if len(lines) != 2 {
		t.Fatalf("%d curl lines, want 2:\n%s", len(lines), p.out)
	}
	if got := strings.Count(paste(t, lines[0], ""), "\n"); got != len(demo.Samples()) {
		t.Errorf("%d mails are listed, want %d", got, len(demo.Samples()))
	}
	if got, want := paste(t, lines[1], ""), string(demo.Samples()[0]); got != want {
		t.Errorf("the first mail is\n%q, want\n%q", got, want)
	}
	p.log(t, 2, `session: .*user=alice@demo\.example .*end=quit`)
	interrupt(t, p, dir)
}

// TestDemoOpenSSL: the openssl lines work as they are printed, the one to type
// into and the one that types by itself.
func TestDemoOpenSSL(t *testing.T) {
	t.Parallel()
	need(t, "sh", "openssl")
	dir := t.TempDir()
	p := startDemo(t, dir)
	login := p.out.wait(t, p.done, 1, `(?s)  user +(\S+)\n  password +(\S+)\n`)
	commands := "USER " + login[1] + "\nPASS " + login[2] + "\nSTAT\nRETR 2\nQUIT\n"
	typed := pasted(p, "openssl")
	alone := pasted(p, "printf")
	if len(typed) != 1 || len(alone) != 1 {
		t.Fatalf("%q and %q, want one line each", typed, alone)
	}
	for line, stdin := range map[string]string{typed[0]: commands, alone[0]: ""} {
		got := paste(t, line, stdin)
		// Greeting, USER, PASS, STAT, RETR with the mail, QUIT.
		if answers := regexp.MustCompile(`(?m)^\+OK`).FindAllString(got, -1); len(answers) != 6 {
			t.Errorf("%s\n%d × +OK, want 6:\n%s", line, len(answers), got)
		}
		if subject, _, _ := strings.Cut(string(demo.Samples()[1]), "\r\n"); !strings.Contains(got, subject) {
			t.Errorf("%s\nhas no second mail:\n%s", line, got)
		}
	}
	p.log(t, 2, `session: .*end=quit`)
	interrupt(t, p, dir)
}

// TestShellWord: a shell takes the word for what it stands for, whatever is in
// it, and a plain path stays as it is.
func TestShellWord(t *testing.T) {
	need(t, "sh")
	for _, path := range []string{
		"/tmp/popgate-demo-1/ca.pem", "/tmp/my files/ca.pem", "/tmp/it's mine", "/tmp/$HOME", "/tmp/`id`", `/tmp/a\b`,
		"/tmp/\"x\"", "/tmp/a&b;c|d", "/tmp/*", "/tmp/~", "/tmp/été", "/tmp/a\tb", "/tmp/#", "''", "",
	} {
		if got := paste(t, "printf %s "+shellWord(path), ""); got != path {
			t.Errorf("%s becomes %q, want %q", shellWord(path), got, path)
		}
	}
	if plain := "/tmp/popgate-demo-1/ca.pem"; shellWord(plain) != plain {
		t.Errorf("%s is quoted without need", plain)
	}
}

// TestDemoFolderWithASpace: the lines work whatever the folder for temporary
// files is called.
func TestDemoFolderWithASpace(t *testing.T) {
	t.Parallel()
	need(t, "sh", "curl")
	dir := filepath.Join(t.TempDir(), "it's mine")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	p := startDemo(t, dir)
	paste(t, pasted(p, "curl")[0], "")
	interrupt(t, p, dir)
}

// TestDemoFiles: nobody else may read the demo's key, the CA's key is nowhere,
// and the password isn't in the log.
func TestDemoFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := startDemo(t, dir)
	var found []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v: others can read it", path, info.Mode())
		}
		if !entry.IsDir() {
			found = append(found, entry.Name())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(found, " "), "admin.sock ca.pem cert.pem key.pem"; got != want {
		t.Errorf("the files are %s, want %s", got, want)
	}
	if password := p.out.wait(t, p.done, 1, `  password +(\S+)`)[1]; strings.Contains(p.err.String(), password) {
		t.Errorf("the password is in the log:\n%s", p.err)
	}
	interrupt(t, p, dir)
}

// TestDemoHere: the demo in this process ends with its context and leaves no
// goroutine behind, which TestMain looks for.
func TestDemoHere(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, log, code := newOutput(), newOutput(), make(chan int, 1)
	go func() { code <- run(ctx, []string{"demo"}, streams{in: eof{}, out: out, err: log}) }()
	out.wait(t, nil, 1, `Ctrl-C ends the demo`)
	if text := out.String(); strings.Contains(text, "@CA@") || strings.Contains(text, "@PORT@") {
		t.Errorf("not everything is filled in:\n%s", text)
	}
	cancel()
	if got := <-code; got != exitOK {
		t.Errorf("exit code %d, want 0:\n%s", got, log)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

// TestDemoStatus: the status page's address works, and visitors come by
// themselves, unless they are told not to.
func TestDemoStatus(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := startDemo(t, dir)
	at := p.out.wait(t, p.done, 1, `(?m)^  status +(http://\S+/)$`)
	p.log(t, 1, `login: event=login .*user=(bob|carol)@demo\.example`)
	answer, err := http.Get(at[1] + "readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("readyz: %s", answer.Status)
	}
	for _, command := range []string{"top", "trace"} {
		line := p.out.wait(t, p.done, 1, `(?m)^  (\S+ `+command+` .*--socket \S+)$`)[1]
		if command == "trace" {
			line += " --for 30s"
		}
		if got := paste(t, line, ""); !strings.Contains(got, "demo") {
			t.Errorf("%s says\n%s", line, got)
		}
	}
	interrupt(t, p, dir)

	alone := popgate(t, []string{"TMPDIR=" + dir}, "demo", "--traffic=false")
	alone.out.wait(t, alone.done, 1, `Ctrl-C ends the demo.*\n`)
	interrupt(t, alone, dir)
	if lines := alone.err.lines("event=login"); len(lines) != 0 {
		t.Errorf("visitors came: %q", lines)
	}
}
