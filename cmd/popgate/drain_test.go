package main

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
)

// TestDrain: SIGTERM and SIGINT let nobody new in, send those away who haven't
// logged in, and let those who have end as they like.
func TestDrain(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			p, address := s.serve(t)
			waiting, open := s.dial(t, address), s.login(t, address, alice)
			open.ok("DELE 1")
			p.signal(t, sig)
			p.log(t, 1, `draining: timeout=30s`)
			waiting.want("-ERR [SYS/TEMP] ")
			waiting.ended()
			open.ok("DELE 2")
			p.signal(t, syscall.SIGHUP) // too late to reload; no reason to stop
			open.ok("NOOP")
			insistClosed(t, address)
			open.quit()
			p.exit(t, exitOK)
			p.log(t, 1, `session: .*end=draining`)
			p.log(t, 1, `session: .*end=quit`)
			p.log(t, 1, `drained: closed_at_timeout=0`)
			if left := len(s.mails.Maildrop(alice)); left != 1 {
				t.Errorf("%d mails are left, want 1", left)
			}
			if got := p.err.lines(`reload`); len(got) > 0 {
				t.Errorf("it reloads while it drains: %q", got)
			}
		})
	}
}

// insistClosed waits until nobody listens at address. Whoever came just before
// is sent away.
func insistClosed(t testing.TB, address string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return
		}
		_ = conn.SetDeadline(deadline)
		_, err = io.Copy(io.Discard, conn)
		_ = conn.Close()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("%s is open still", address)
		}
	}
}

// TestDrainTimeout: who outstays the drain timeout is cut off, nothing is
// deleted, and popgate has done what it was told to.
func TestDrainTimeout(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write(t, s.text("timeouts { drain = \"100ms\" }\n"))
	p, address := s.serve(t)
	open := s.login(t, address, alice)
	open.ok("DELE 1")
	p.signal(t, syscall.SIGTERM)
	open.ended()
	p.exit(t, exitOK)
	p.log(t, 1, `session: .*end=drained`)
	p.log(t, 1, `drained: closed_at_timeout=1`)
	if left := len(s.mails.Maildrop(alice)); left != 3 {
		t.Errorf("%d mails are left, want all 3", left)
	}
}

// TestSecondSignalStops: whoever can't wait sends another one. The sessions
// break, and nothing is deleted.
func TestSecondSignalStops(t *testing.T) {
	for _, second := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(second.String(), func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			p, address := s.serve(t)
			open := s.login(t, address, alice)
			open.ok("DELE 1")
			p.signal(t, syscall.SIGTERM)
			p.log(t, 1, `draining: `)
			open.ok("NOOP")
			p.stopAtOnce(t, second)
			if _, last, _ := strings.Cut(p.err.String(), "popgate: stopped before "); last != "all sessions had ended\n" {
				t.Errorf("its last words: %q", last)
			}
			if line, err := open.lines.ReadString('\n'); err == nil {
				t.Errorf("the session is told %q", line)
			}
			if left := len(s.mails.Maildrop(alice)); left != 3 {
				t.Errorf("%d mails are left, want all 3", left)
			}
		})
	}
}

// stopAtOnce is impatient: what stops a draining popgate comes again and again.
func (p *process) stopAtOnce(t *testing.T, sig os.Signal) {
	t.Helper()
	for began := time.Now(); time.Since(began) < patience; {
		select {
		case <-p.done:
			p.exit(t, exitFailed)
			return
		case <-time.After(sameSignal / 4):
			_ = p.cmd.Process.Signal(sig) // it may have ended
		}
	}
	t.Fatal("it still runs")
}

// TestSignalDouble: a signal that comes with its double is one, and a later one is
// another.
func TestSignalDouble(t *testing.T) {
	t.Parallel()
	for name, unsignalled := range map[string]bool{"by a signal": false, "by a call": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &service{lasting: lasting{log: overhear(hclog.NewNullLogger())}}
				ends, stopped := make(chan os.Signal), make(chan error, 1)
				go func() { stopped <- s.await(nil, ends, unsignalled) }()
				if unsignalled {
					ends <- syscall.SIGTERM
				}
				ends <- syscall.SIGTERM
				time.Sleep(sameSignal)
				ends <- syscall.SIGTERM
				time.Sleep(time.Nanosecond)
				synctest.Wait()
				if len(stopped) > 0 {
					t.Fatal("a double has stopped it")
				}
				ends <- syscall.SIGTERM
				if err := <-stopped; !errors.Is(err, errStopped) {
					t.Errorf("stopped by %v", err)
				}
			})
		})
	}
}

// TestDrainByCall: after `popgate drain` the signal that a supervisor sends next is
// the first one, which cuts nobody, and another one stops.
func TestDrainByCall(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p, address := s.serve(t)
	open, other := s.login(t, address, alice), s.login(t, address, bob)
	runHere(t, "drain", "--config", s.config).wantCode(t, exitOK)
	p.log(t, 1, `draining: timeout=30s`)
	p.signal(t, syscall.SIGTERM)
	p.log(t, 1, `draining already`)
	open.ok("DELE 1")
	open.quit()
	p.stopAtOnce(t, syscall.SIGTERM)
	other.ended()
}
