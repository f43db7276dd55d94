package e2e

import (
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestSIGTERMDrains: nobody new gets in, who hasn't logged in is sent away, and who reads mail may end properly.
func TestSIGTERMDrains(t *testing.T) {
	everyMaildrop(t, func(t *testing.T, m maildrop) {
		joe := m.mailbox(t, "joe", threeMails())
		p := startPopgate(t, settings{backends: backend("legacy", m.plain().port)})
		waiting, reading := dial(t, p.starttls), dial(t, p.implicit)
		reading.login(joe)
		reading.ok("DELE 1")
		p.signal(t, syscall.SIGTERM)
		if answer := waiting.line(); !strings.HasPrefix(answer, "-ERR [SYS/TEMP] ") {
			t.Errorf("the session before login got %q, want -ERR [SYS/TEMP]", answer)
		}
		if rest := waiting.end(); rest != "" {
			t.Errorf("then it got %q", rest)
		}
		eventually(t, "the listeners close", func() bool {
			c, err := net.Dial("tcp", loopback(p.implicit.port))
			if err == nil {
				c.Close()
			}
			return err != nil
		})
		reading.ok("DELE 2")
		reading.quit()
		if code := p.exit(t); code != 0 {
			t.Errorf("exit code %d, want 0", code)
		}
		m.closed(t, 1)
		if got, want := m.left(t, joe), []string{"three"}; !slices.Equal(got, want) {
			t.Errorf("the mailbox holds %q, want %q", got, want)
		}
	})
}

// TestDrainTimeoutDeletesNothing: a session that outlasts the drain timeout is cut, not ended by a QUIT of popgate's.
func TestDrainTimeoutDeletesNothing(t *testing.T) {
	everyMaildrop(t, func(t *testing.T, m maildrop) {
		cutByStop(t, m, `drain = "500ms"`, func(p *popgate) {
			p.signal(t, syscall.SIGTERM)
		})
	})
}

// TestSecondSIGTERMStops: the second signal doesn't wait for sessions; nothing is deleted then either.
func TestSecondSIGTERMStops(t *testing.T) {
	everyMaildrop(t, func(t *testing.T, m maildrop) {
		cutByStop(t, m, `drain = "10m"`, func(p *popgate) {
			waiting := dial(t, p.implicit)
			p.signal(t, syscall.SIGTERM)
			waiting.line() // Draining has begun, so the signals are two and not one.
			p.stopAtOnce(t)
		})
	})
}

// TestDrainTimeoutWaitsForQuit: a backend that takes its time over a QUIT is waited for, though the drain timeout is
// over, and the client learns what became of it.
func TestDrainTimeoutWaitsForQuit(t *testing.T) {
	t.Parallel()
	slow := make(chan struct{})
	release := sync.OnceFunc(func() { close(slow) })
	b := startSlowBuiltin(t, slow)
	t.Cleanup(release)
	joe, ann := b.mailbox(t, "joe", threeMails()), b.mailbox(t, "ann", nil)
	p := startPopgate(t, settings{backends: backend("legacy", b.port()), timeouts: `drain = "300ms"`})
	quitting, idle := dial(t, p.implicit), dial(t, p.implicit)
	idle.login(ann)
	quitting.login(joe)
	quitting.ok("DELE 1")
	quitting.send("QUIT")
	b.ends.wait(t, 1, "quitting")
	p.signal(t, syscall.SIGTERM)
	if rest := idle.end(); rest != "" {
		t.Errorf("the idle session got %q", rest)
	}
	release() // The end of the idle session shows that the drain timeout is over.
	if answer := quitting.line(); !strings.HasPrefix(answer, "+OK") {
		t.Errorf("QUIT was answered %q", answer)
	}
	quitting.Close()
	if code := p.exit(t); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	if got, want := b.left(t, joe), []string{"two", "three"}; !slices.Equal(got, want) {
		t.Errorf("the mailbox holds %q, want %q", got, want)
	}
}

// cutByStop stops popgate under a session that has marked a mail.
func cutByStop(t *testing.T, m maildrop, timeouts string, stop func(*popgate)) {
	t.Helper()
	joe := m.mailbox(t, "joe", threeMails())
	p := startPopgate(t, settings{backends: backend("legacy", m.plain().port), timeouts: timeouts})
	w := dial(t, p.implicit)
	w.login(joe)
	w.ok("DELE 1")
	began := time.Now()
	stop(p)
	if rest := w.end(); rest != "" {
		t.Errorf("popgate said %q into the session", rest)
	}
	p.exit(t)
	if took := time.Since(began); took > patience/2 {
		t.Errorf("popgate took %v to stop", took)
	}
	m.closed(t, 1)
	if got := m.left(t, joe); !slices.Equal(got, names(threeMails())) {
		t.Errorf("the mailbox holds %q, want all mails", got)
	}
}
