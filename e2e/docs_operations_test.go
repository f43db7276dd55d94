package e2e

import (
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// operations is the text that operators have.
const operations = "../docs/operations.md"

// TestDocsBlocks: every block of shell in docs/operations.md and docs/migration.md does what it says, with a running
// popgate before a mail server, and in the place of /etc, /run and the home folder those of this test.
func TestDocsBlocks(t *testing.T) {
	t.Parallel()
	for name, doc := range map[string]struct {
		backend string // as it is called there
		least   int    // blocks
	}{
		operations:             {"legacy", 4},
		"../docs/migration.md": {"old", 2},
	} {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			newOperators(t, doc.backend).runBlocks(t, name, doc.least)
		})
	}
}

func (s *operators) runBlocks(t *testing.T, name string, least int) {
	t.Helper()
	ran := 0
	for _, block := range regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$").FindAllStringSubmatch(readFile(t, name), -1) {
		shell, script := block[1], block[2]
		switch shell {
		case "sh", "zsh":
		case "text", "hcl", "yaml": // what is shown is tested where it is made, a configuration where it is read
			continue
		default:
			t.Errorf("this test doesn't know what to do with a block of %q:\n%s", shell, script)
			continue
		}
		if script == "popgate upgrade\n" {
			continue // it leaves another process, and has tests of its own
		}
		ran++
		if out, code := s.shell(t, shell, s.here(t, script)); code != 0 {
			t.Errorf("exit code %d of\n%s%s", code, script, out)
		}
	}
	if ran < least {
		t.Errorf("only %d blocks were found", ran)
	}
}

// TestOperationsCommands: every command in the table of docs/operations.md can be run as it stands there.
func TestOperationsCommands(t *testing.T) {
	t.Parallel()
	s := newOperators(t, "legacy")
	// What they end with, if it isn't 0, and what they say then.
	ends := map[string]struct {
		code int
		says string
	}{
		"popgate cert renew HOST":          {1, "comes from files"},
		"popgate cert check [HOST...]":     {0, "no certificate is ordered"},
		"popgate trace USER":               {0, "login ok"},
		"popgate sessions kick ID...":      {0, ""},
		"popgate explain USER --from ADDR": {0, "joe"},
	}
	elsewhere := []string{
		"popgate serve --config FILE|FOLDER", // is how the one that is asked here runs
		"popgate demo",                       // has tests of its own
		"popgate drain",                      // comes last
		"popgate upgrade",                    // leaves another process; has tests of its own
	}
	var seen []string
	for _, command := range tableCommands(t) {
		seen = append(seen, command)
		if slices.Contains(elsewhere, command) {
			continue
		}
		out, code := s.shell(t, "sh", s.words(t, command))
		want := ends[command]
		if code != want.code || !strings.Contains(out, want.says) {
			t.Errorf("%s: exit code %d, want %d with %q:\n%s", command, code, want.code, want.says, out)
		}
	}
	for command := range ends {
		if !slices.Contains(seen, command) {
			t.Errorf("%q is not in the table any more", command)
		}
	}
	if out, code := s.shell(t, "sh", "popgate drain"); code != 0 {
		t.Errorf("drain: %s", out)
	}
	if code := s.popgate.exit(t); code != 0 {
		t.Errorf("popgate ended with %d after draining", code)
	}
}

// tableCommands are the commands in the table, with the words of the first one where a row has several.
func tableCommands(t *testing.T) (commands []string) {
	t.Helper()
	for line := range strings.Lines(readFile(t, operations)) {
		cell, ok := strings.CutPrefix(line, "| `popgate ")
		if !ok {
			continue
		}
		cell, _, _ = strings.Cut(strings.ReplaceAll("`popgate "+cell, `\|`, "\x00"), "|")
		first := ""
		for _, code := range regexp.MustCompile("`([^`]*)`").FindAllStringSubmatch(cell, -1) {
			command := strings.ReplaceAll(code[1], "\x00", "|")
			if first == "" {
				first = command
			} else {
				// "undrain NAME" behind "popgate backends drain NAME"
				command = strings.Join(strings.Fields(first)[:2], " ") + " " + command
			}
			commands = append(commands, command)
		}
	}
	if len(commands) < 20 {
		t.Fatalf("only %d commands were found: %q", len(commands), commands)
	}
	return commands
}

// operators is a popgate with all doors open, and a place for whoever works there.
type operators struct {
	popgate *popgate
	dir     string // where they are; their files are below
	joe     account
	address string // of the admin interface
}

func newOperators(t *testing.T, name string) *operators {
	t.Helper()
	b := startBuiltin(t)
	s := &operators{dir: folder(t), joe: b.mailbox(t, "joe", threeMails()), address: loopback(freePort(t))}
	for _, sub := range []string{"bin", "etc/popgate", "etc/bash_completion.d", "functions", ".config/fish/completions"} {
		if err := os.MkdirAll(filepath.Join(s.dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, s.file("etc/popgate/admin-token"), strings.ToLower(rand.Text()+rand.Text()))
	// An answer that is an error ends the script.
	write(t, s.file(".curlrc"), "fail\nsilent\nshow-error\n")
	if err := os.Symlink(program, s.file("bin/popgate")); err != nil {
		t.Fatal(err)
	}
	s.popgate = startPopgate(t, settings{
		backends: backend(name, b.port()),
		timeouts: `drain = "1s"`, // the sessions that id leaves open don't end by themselves
		admin:    fmt.Sprintf("address = %q\ntoken_file = %q", s.address, s.file("etc/popgate/admin-token")),
	})
	return s
}

func (s *operators) file(name string) string { return filepath.Join(s.dir, name) }

// socket is that of the popgate that runs.
func (s *operators) socket() string {
	return filepath.Join(filepath.Dir(s.popgate.config), "admin.sock")
}

// here puts what is this test's into a script.
func (s *operators) here(t *testing.T, script string) string {
	t.Helper()
	return strings.NewReplacer(
		"/run/popgate/admin.sock", s.socket(), "/etc/", s.file("etc")+"/", "127.0.0.1:9110", s.address,
		"chown popgate:", `chown "$(id -un):"`, "/v1/sessions/ID", "/v1/sessions/"+s.id(t), "${fpath[1]}", s.file("functions"),
	).Replace(script)
}

// words puts something that is there for each word in capitals of a command.
func (s *operators) words(t *testing.T, command string) string {
	t.Helper()
	line := strings.NewReplacer(
		"FILE|FOLDER", "config.hcl", "bash|fish|zsh", "bash", "ID...", "ID", "[HOST...]", "", "[USER]", "", "[LEVEL]", "",
	).Replace(command)
	line = strings.NewReplacer("HOST", host, "NAME", "legacy", "USER", s.joe.user, "ADDR", "192.0.2.1", "KEY", "all").Replace(line)
	if strings.Contains(line, "ID") {
		line = strings.ReplaceAll(line, "ID", s.id(t))
	}
	if strings.HasPrefix(line, "popgate trace") {
		s.comes(t)
	}
	return line
}

// id is that of a session that is open.
func (s *operators) id(t *testing.T) string {
	t.Helper()
	w := dial(t, s.popgate.implicit)
	w.login(s.joe)
	return socketDesk(t, s.popgate).session(t, w, "logged_in").ID
}

// comes has joe fetch mail as soon as somebody follows him.
func (s *operators) comes(t *testing.T) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.popgate.log.wait(t, 1, "trace begins")
		w := dial(t, s.popgate.implicit)
		w.login(s.joe)
		w.quit()
	}()
	t.Cleanup(func() { <-done })
}

// shell runs a script, and returns all that it said.
func (s *operators) shell(t *testing.T, shell, script string) (out string, code int) {
	t.Helper()
	cmd := exec.Command(need(t, shell), "-e", "-c", script)
	cmd.Dir = filepath.Dir(s.popgate.config) // where commands find it without a flag
	cmd.Env = []string{"HOME=" + s.dir, "PATH=" + s.file("bin") + ":" + os.Getenv("PATH"), "GORACE=atexit_sleep_ms=0"}
	cmd.WaitDelay = time.Second
	text, err := cmd.CombinedOutput()
	return string(text), exitCode(err)
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
