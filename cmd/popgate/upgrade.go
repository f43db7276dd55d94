package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"popgate/internal/admin"
	"popgate/internal/handover"
)

// upgradeLimit is how long the new process may take until it can serve.
const upgradeLimit = 30 * time.Second

// Why an upgrade doesn't come about.
var (
	errUpgrading = admin.ErrUpgrading
	errLate      = fmt.Errorf("the new process can't serve within %v", upgradeLimit)
	errStopping  = errors.New("popgate is stopped")
	errNoUpgrade = errors.New("this popgate can't be upgraded")
)

// ownership is the program that runs, as it was started.
type ownership struct {
	path string
	args []string
}

// ownProgram finds the program: where it was started, so that what replaces it
// there is what an upgrade starts.
func ownProgram() *ownership {
	path := os.Args[0]
	if !strings.ContainsRune(path, filepath.Separator) {
		if found, err := exec.LookPath(path); err == nil {
			path = found
		} else if own, err := os.Executable(); err == nil {
			path = own
		}
	}
	if whole, err := filepath.Abs(path); err == nil {
		path = whole
	}
	return &ownership{path, os.Args}
}

// upgrade is one that is under way.
type upgrade struct {
	cancel context.CancelCauseFunc
	ends   chan ending
	answer chan<- upgraded // whoever asked; nil: a signal did
	reload bool            // a SIGHUP has come meanwhile
}

// ending is how the start of the new process went.
type ending struct {
	next *handover.Successor
	err  error
}

// upgraded is what becomes of an upgrade, for operators.
type upgraded struct {
	pid int
	err error
}

// outcome is where the ending comes; never, where none is under way.
func (u *upgrade) outcome() <-chan ending {
	if u == nil {
		return nil
	}
	return u.ends
}

// startUpgrade starts the new process. answer is told what becomes of it, and is nil
// where a signal has asked.
func (l *loop) startUpgrade(answer chan<- upgraded) {
	if l.upgrade != nil {
		l.refuse(answer, errUpgrading)
		return
	}
	if l.program == nil {
		l.refuse(answer, errNoUpgrade)
		return
	}
	sockets, err := l.away()
	if err != nil {
		handover.Discard(sockets)
		l.refuse(answer, err)
		return
	}
	limited, done := context.WithTimeoutCause(context.Background(), upgradeLimit, errLate)
	ctx, cancel := context.WithCancelCause(limited)
	u := &upgrade{cancel: cancel, ends: make(chan ending, 1), answer: answer}
	opts := handover.Options{
		Program: l.program.path, Args: l.program.args, Env: handover.Environment(), Sibling: l.herald.systemd.Used(),
		Sockets: sockets, State: l.legacy(),
	}
	l.log.Info("upgrade begins", "program", opts.Program)
	go func() {
		defer done()
		next, err := handover.Start(ctx, opts)
		if err == nil {
			err = next.Wait(ctx)
		}
		u.ends <- ending{next, err}
	}()
	l.upgrade = u
}

// conclude makes the best of how the start went, and tells whether the new
// process has taken over.
func (l *loop) conclude(end ending) bool {
	u := l.upgrade
	l.upgrade = nil
	u.cancel(nil)
	if end.err == nil {
		end.err = end.next.Serve(l.remarks(l.serving))
	}
	if end.err != nil {
		l.refuse(u.answer, end.err)
		if u.reload {
			_ = l.reloadNow(true)
		}
		return false
	}
	l.handedOver.Store(true)
	l.herald.handOver(end.next.PID())
	end.next.Leave()
	if u.reload {
		end.next.Signal(hangUp)
	}
	l.passOn(end.next)
	l.log.Info("upgraded, the new process serves", "pid", end.next.PID())
	if u.answer != nil {
		u.answer <- upgraded{pid: end.next.PID()}
	}
	return true
}

// passOn gives the new process the signals that have come together with the change. Go
// tells of them a moment later; both processes serve meanwhile.
func (l *loop) passOn(next *handover.Successor) {
	for late := time.After(sameSignal); ; {
		select {
		case <-l.signals.reloads:
			next.Signal(hangUp)
		case <-l.signals.ends:
			next.Signal(syscall.SIGTERM)
		case <-late:
			return
		}
	}
}

// refuse says that there is no upgrade, and why.
func (l *loop) refuse(answer chan<- upgraded, err error) {
	if errors.Is(err, errUpgrading) {
		l.log.Warn("upgrade refused, one is under way")
	} else {
		l.log.Error("upgrade failed, the old process goes on", "error", asLine(err))
	}
	if answer != nil {
		answer <- upgraded{err: err}
	}
}

// callOff ends an upgrade that is under way, as the service is to end: also if the
// new process could serve by now.
func (l *loop) callOff() {
	if l.upgrade == nil {
		return
	}
	l.upgrade.cancel(errStopping)
	end := <-l.upgrade.ends
	if end.err == nil {
		end.next.End()
	}
	l.refuse(l.upgrade.answer, errStopping)
}

// leave lets the sessions of a process that has handed over end.
func (s *service) leave(next *handover.Successor, stopServing func()) {
	// Who asks here still is to ask again, and then reaches the new process.
	s.orders.end(errUpgrading)
	s.server.Retire()
	s.entrances.retire()
	if s.orders.wantsDrain() {
		next.Signal(syscall.SIGTERM)
	}
	s.log.Info("sessions go on in the old process", "sessions", s.server.Open(), "timeout", s.drain.String())
	s.stopWatching()
	s.watching.Wait()
	s.automatic.Close()
	// Deliberate: sessions before login aren't sent away as they are elsewhere at
	// draining. Their clients came before the change, and are to see nothing of it.
	s.server.Linger(s.drain)
	s.draining.Store(true)
	stopServing()
	left := s.server.Drain(0)
	s.level.stop()
	s.log.Info("drained", "closed_at_timeout", left)
}
