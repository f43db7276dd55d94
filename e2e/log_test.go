package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// inTime is how long popgate may take for its exit when nobody reads its log: a second, and some for a busy machine.
const inTime = 10 * time.Second

// throng is how many sessions come. Each has two lines in the log at level debug, of 150 octets at least; together they
// are more than a pipe (64 KiB) and popgate's queue (1 MiB) take.
const throng = 5000

// noLimits lets the throng in, all of which comes from one address.
const noLimits = "limits {\n  exempt = [\"127.0.0.1\"]\n}\n"

// TestLogTarget: what becomes of the log never stops mail, nor the exit.
func TestLogTarget(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		open func(t *testing.T) *os.File
	}{
		{"full disk", func(t *testing.T) *os.File {
			device, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
			if errors.Is(err, os.ErrNotExist) {
				t.Skip("SKIPPED: this system has no /dev/full")
			} else if err != nil {
				t.Fatal(err)
			}
			return device
		}},
		{"pipe that nobody reads", func(t *testing.T) *os.File {
			r, w := pipe(t)
			t.Cleanup(func() { r.Close() })
			return w
		}},
		{"pipe whose reader has gone", func(t *testing.T) *os.File {
			r, w := pipe(t)
			r.Close()
			return w
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := startBuiltin(t)
			joe := b.mailbox(t, "joe", threeMails())
			target := test.open(t)
			p := startPopgate(t, settings{backends: backend("legacy", b.port()) + noLimits, stderr: target, level: "debug"})
			target.Close() // popgate has its own
			readsMail(t, p, joe)
			come(t, p, throng)
			readsMail(t, p, joe)
			p.signal(t, syscall.SIGTERM)
			exitsInTime(t, p, 0)
		})
	}
}

// TestLogTargetThatWakesUp: once a pipe is read again, the log tells how much is missing.
func TestLogTargetThatWakesUp(t *testing.T) {
	t.Parallel()
	r, w := pipe(t)
	defer r.Close()
	p := startPopgate(t, settings{backends: backend("legacy", 1) + noLimits, stderr: w, level: "debug"})
	w.Close()
	come(t, p, throng)
	if err := r.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	written, dropped := 0, 0
	for lines := bufio.NewScanner(r); lines.Scan(); {
		_, count, found := strings.Cut(lines.Text(), "log lines dropped: lines=")
		switch {
		case found:
			var n int
			if _, err := fmt.Sscan(count, &n); err != nil {
				t.Fatal(err)
			}
			dropped += n
			// What is logged from here on finds room.
			p.signal(t, syscall.SIGTERM)
		case strings.Contains(lines.Text(), "end=quit_before_login") || strings.Contains(lines.Text(), "reason=quit_before_login"):
			written++
		}
	}
	if written == 0 || dropped == 0 {
		t.Fatalf("%d lines of sessions, %d dropped ones", written, dropped)
	}
	exitsInTime(t, p, 0)
	// startPopgate has looked at the ports, too.
	if all := written + dropped; all < 2*throng || all > 2*throng+10 {
		t.Errorf("%d lines of sessions and %d dropped ones, for %d sessions of two lines", written, dropped, throng)
	}
}

// TestUnreadLogDoesNotHoldUpTheSecondSignal: though there is an error to print, where nobody reads it.
func TestUnreadLogDoesNotHoldUpTheSecondSignal(t *testing.T) {
	t.Parallel()
	b := startBuiltin(t)
	joe := b.mailbox(t, "joe", threeMails())
	r, w := pipe(t)
	defer r.Close()
	p := startPopgate(t, settings{backends: backend("legacy", b.port()) + noLimits, stderr: w, timeouts: `drain = "10m"`})
	w.Close()
	come(t, p, throng/10)
	reading, waiting := dial(t, p.implicit), dial(t, p.implicit)
	reading.login(joe)
	p.signal(t, syscall.SIGTERM)
	waiting.line() // Draining has begun, so the signals are two and not one.
	p.stopAtOnce(t)
	exitsInTime(t, p, 1)
}

// pipe returns both ends of a pipe.
func pipe(t testing.TB) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}

// readsMail reads a mailbox through popgate.
func readsMail(t testing.TB, p *popgate, a account) {
	t.Helper()
	c := dial(t, p.implicit)
	c.login(a)
	if n := len(c.fetch()); n != len(threeMails()) {
		t.Errorf("got %d mails", n)
	}
}

// come opens sessions in the clear that end at once, eight at a time.
func come(t testing.TB, p *popgate, sessions int) {
	t.Helper()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range sessions/8 + min(1, max(0, sessions%8-i)) {
				if err := visitBriefly(p.starttls.port); err != nil {
					t.Errorf("a session failed: %v", err)
					return
				}
			}
		})
	}
	all.Wait()
}

// visitBriefly says QUIT and waits for the end of the connection.
func visitBriefly(port int) error {
	c, err := net.DialTimeout("tcp", loopback(port), patience)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := io.WriteString(c, "QUIT\r\n"); err != nil {
		return err
	}
	answer, err := io.ReadAll(c)
	if err == nil && strings.Count(string(answer), "+OK") != 2 {
		return fmt.Errorf("it was told %q", answer)
	}
	return err
}

// exitsInTime insists on the exit code, and that it comes soon.
func exitsInTime(t testing.TB, p *popgate, code int) {
	t.Helper()
	began := time.Now()
	if got := p.exit(t); got != code {
		t.Errorf("exit code %d, want %d", got, code)
	}
	if took := time.Since(began); took > inTime {
		t.Errorf("the exit took %v", took)
	}
}
