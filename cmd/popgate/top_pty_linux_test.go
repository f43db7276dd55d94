package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"popgate/internal/admin"
)

// terminal is a pseudo-terminal, from whose other end a program sees a person.
type terminal struct {
	person, program *os.File
	shown           *output
	cmd             *exec.Cmd
	done            chan struct{} // closed once the program has ended
	code            int
}

// openTerminal runs popgate in a terminal of its own.
func openTerminal(t *testing.T, width, height uint16, args ...string) *terminal {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	term := &terminal{person: os.NewFile(uintptr(fd), "ptmx"), shown: newOutput(), done: make(chan struct{})}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		term.program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	term.resize(t, width, height)
	term.cmd = exec.Command(program, args...)
	term.cmd.Env = append(plainEnvironment(), "TERM=xterm")
	term.cmd.Stdin, term.cmd.Stdout, term.cmd.Stderr = term.program, term.program, term.program
	term.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := term.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		buf := make([]byte, 4096)
		for {
			n, err := term.person.Read(buf)
			_, _ = term.shown.Write(buf[:n])
			if err != nil {
				return
			}
		}
	}()
	go func() {
		defer close(term.done)
		term.code = exitCode(term.cmd.Wait())
	}()
	t.Cleanup(func() {
		_ = term.cmd.Process.Kill()
		<-term.done
		_ = term.program.Close()
		_ = term.person.Close()
		<-read
	})
	return term
}

func (term *terminal) resize(t *testing.T, width, height uint16) {
	t.Helper()
	size := &unix.Winsize{Col: width, Row: height}
	if err := unix.IoctlSetWinsize(int(term.program.Fd()), unix.TIOCSWINSZ, size); err != nil {
		t.Fatal(err)
	}
}

// modes are how the terminal is set.
func (term *terminal) modes(t *testing.T) unix.Termios {
	t.Helper()
	modes, err := unix.IoctlGetTermios(int(term.program.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return *modes
}

func (term *terminal) press(t *testing.T, keys string) {
	t.Helper()
	if _, err := term.person.WriteString(keys); err != nil {
		t.Fatal(err)
	}
}

// given insists that the program has ended with a code and has left the terminal
// as it was.
func (term *terminal) given(t *testing.T, before unix.Termios, code int) {
	t.Helper()
	<-term.done
	if term.code != code {
		t.Errorf("exit code %d, want %d:\n%q", term.code, code, term.shown)
	}
	if after := term.modes(t); after != before {
		t.Errorf("the terminal is left as %+v, and was %+v", after, before)
	}
	term.shown.wait(t, nil, 1, `\x1b\[\?1049l`)
	_, rest, _ := strings.Cut(term.shown.String(), giveScreen)
	if strings.Contains(rest, takeScreen) {
		t.Errorf("the screen is taken again: %q", rest)
	}
}

// livePopgate is one to look at.
func livePopgate() *fake {
	return &fake{status: sampleStatus(), ready: admin.Readiness{Ready: true}, sessions: twoSessions(), backends: twoBackends()}
}

// TestTopInATerminal: it takes the screen, follows the window and the keys, and
// leaves the terminal as it was, however it ends.
func TestTopInATerminal(t *testing.T) {
	for name, test := range map[string]struct {
		end  func(t *testing.T, term *terminal)
		code int
	}{
		"q":       {func(t *testing.T, term *terminal) { term.press(t, "q") }, exitOK},
		"Ctrl-C":  {func(t *testing.T, term *terminal) { term.press(t, "\x03") }, exitOK},
		"SIGTERM": {func(t *testing.T, term *terminal) { signalTo(t, term, syscall.SIGTERM) }, exitOK},
		"SIGINT":  {func(t *testing.T, term *terminal) { signalTo(t, term, syscall.SIGINT) }, exitOK},
		"SIGHUP":  {func(t *testing.T, term *terminal) { signalTo(t, term, syscall.SIGHUP) }, exitOK},
	} {
		t.Run(name, func(t *testing.T) {
			term := openTerminal(t, 100, 40, "top", "--interval", "100ms", "--socket", livePopgate().serve(t))
			before := term.modes(t)
			term.shown.wait(t, term.done, 3, `popgate v1\.2\.0 on pop\.example\.com: ready`)
			test.end(t, term)
			term.given(t, before, test.code)
		})
	}
}

func signalTo(t *testing.T, term *terminal, sig os.Signal) {
	t.Helper()
	if err := term.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// TestTopFollows: the window's size, and the order that is asked for.
func TestTopFollows(t *testing.T) {
	term := openTerminal(t, 100, 40, "top", "--interval", "1h", "--socket", livePopgate().serve(t))
	before := term.modes(t)
	term.shown.wait(t, term.done, 1, `sessions, the busiest first`)
	term.press(t, "s")
	term.shown.wait(t, term.done, 1, `sessions, the latest first`)
	seen := len(term.shown.String())
	term.resize(t, 60, 5)
	term.shown.wait(t, term.done, 3, `LOGINS        OK   REFUSED  ERROR`)
	term.press(t, "q")
	term.given(t, before, exitOK)
	last, _, _ := strings.Cut(term.shown.String()[seen:], giveScreen)
	if lines := strings.Count(last[strings.LastIndex(last, goHome):], "\r\n"); lines != 4 {
		t.Errorf("%d line feeds in a window of 5 lines: %q", lines, last)
	}
}

// TestTopLosesPopgate: when nobody answers any more, the terminal is given back,
// and the reason stands in it.
func TestTopLosesPopgate(t *testing.T) {
	f := livePopgate()
	socket := f.serve(t)
	term := openTerminal(t, 100, 40, "top", "--interval", "100ms", "--socket", socket)
	before := term.modes(t)
	term.shown.wait(t, term.done, 2, `popgate v1\.2\.0`)
	if err := os.Remove(socket); err != nil {
		t.Fatal(err)
	}
	term.given(t, before, exitFailed)
	term.shown.wait(t, nil, 1, `popgate: no popgate is running that answers on`)
}
