package handover

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Options say how to start the process that takes this one's place.
type Options struct {
	Program string // its path
	Args    []string
	Env     []string
	// Sockets are given to it; they are closed here.
	Sockets []*Socket
	// State is handed over beside them, as JSON, over a pipe: secrets may be in it.
	State any
}

// Successor is the process that is to take this one's place.
type Successor struct {
	cmd    *exec.Cmd
	in     *os.File
	out    *os.File
	last   *lastLine     // of what it wrote to standard error before it was one of us
	ended  chan struct{} // closed once the process has ended; status is set before
	status error
}

// PID is its process id.
func (s *Successor) PID() int { return s.cmd.Process.Pid }

// Wait waits until the process is ready. If it isn't before ctx ends, or fails,
// it is ended, and the error says why.
func (s *Successor) Wait(ctx context.Context) error {
	heard := make(chan error, 1)
	go func() {
		var word answer
		err := hear(bufio.NewReader(s.in), &word)
		switch {
		case err == nil && word.Ready:
			heard <- nil
		case err == nil:
			heard <- errors.New(word.Error)
		default:
			heard <- errSilent
		}
	}()
	select {
	case err := <-heard:
		if err == nil {
			return nil
		}
		s.End()
		if errors.Is(err, errSilent) {
			err = s.silence()
		}
		return err
	case <-ctx.Done():
		s.End()
		<-heard
		return context.Cause(ctx)
	}
}

// errSilent is a process that ended, or hung up, without a word.
var errSilent = errors.New("without a word")

// silence tells of a process that hung up, from what else is known.
func (s *Successor) silence() error {
	text := "the new process has ended without a word"
	if s.status != nil {
		text += " (" + s.status.Error() + ")"
	}
	if line := s.last.text(); line != "" {
		return fmt.Errorf("%s: %s", text, line)
	}
	return errors.New(text)
}

// tellLimit is how long the memory of the old process may be on its way: until it
// is there nobody new is served but by that one.
const tellLimit = 5 * time.Second

// Serve lets the process serve, once it has learned what this one remembers: each
// part of that is a value for JSON. It fails if that process is gone.
func (s *Successor) Serve(memory iter.Seq[any]) error {
	if err := say(s.out, permission{Serve: true}); err != nil {
		s.hangUp()
		s.End()
		return fmt.Errorf("the new process is gone: %w", err)
	}
	s.tell(memory)
	s.hangUp()
	return nil
}

// tell says what the new process can do without: it serves in any case now.
func (s *Successor) tell(memory iter.Seq[any]) {
	_ = s.out.SetWriteDeadline(time.Now().Add(tellLimit))
	for part := range memory {
		if say(s.out, part) != nil {
			return
		}
	}
}

// Signal passes a signal on.
func (s *Successor) Signal(sig os.Signal) { _ = s.cmd.Process.Signal(sig) }

// endLimit is how long it may take to end by itself.
const endLimit = 5 * time.Second

// End ends the process, and waits until it is gone. It has accepted nothing yet,
// so that nothing is lost.
func (s *Successor) End() {
	_ = s.cmd.Process.Signal(terminate)
	timer := time.NewTimer(endLimit)
	defer timer.Stop()
	select {
	case <-s.ended:
	case <-timer.C:
		_ = s.cmd.Process.Kill()
		<-s.ended
	}
	s.hangUp()
	s.last.stop()
}

func (s *Successor) hangUp() {
	_ = s.in.Close()
	_ = s.out.Close()
}

// begin starts the process, and tells it what it is given.
func begin(ctx context.Context, opts Options) (*Successor, error) {
	defer Discard(opts.Sockets)
	state, err := json.Marshal(opts.State)
	if err != nil {
		return nil, err
	}
	pipes, err := newPipes()
	if err != nil {
		return nil, err
	}
	defer pipes.closeTheirs()
	s := &Successor{in: pipes.in, out: pipes.out, last: newLastLine(pipes.errors), ended: make(chan struct{})}
	s.cmd = exec.Command(opts.Program)
	s.cmd.Args, s.cmd.Env = opts.Args, opts.Env
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = os.Stdin, os.Stdout, pipes.theirErrors
	s.cmd.ExtraFiles = []*os.File{pipes.theirIn, pipes.theirOut, os.Stderr}
	for _, socket := range opts.Sockets {
		s.cmd.ExtraFiles = append(s.cmd.ExtraFiles, socket.file)
	}
	s.cmd.Env = append(s.cmd.Env, upgradeFDs+"="+numbers(len(s.cmd.ExtraFiles)))
	if err := s.cmd.Start(); err != nil {
		s.hangUp()
		s.last.stop()
		return nil, err
	}
	go func() {
		defer close(s.ended)
		s.status = s.cmd.Wait()
	}()
	// More than a pipe holds may be to say, to a process that doesn't listen.
	stop := context.AfterFunc(ctx, s.hangUp)
	defer stop()
	_ = say(s.out, offer{Sockets: opts.Sockets, State: state}) // Wait tells if it is gone
	return s, nil
}

// numbers lists the descriptors that os/exec makes of n files.
func numbers(n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprint(firstFD+i))
	}
	return strings.Join(list, ",")
}
