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
	// Sibling makes it a child of this process's parent, where that can be. systemd
	// stops at once, by force, what has become a service's main process and wasn't its
	// own child then.
	Sibling bool
	// Sockets are given to it; they are closed here.
	Sockets []*Socket
	// State is handed over beside them, as JSON, over a pipe: secrets may be in it.
	State any
}

// Successor is the process that is to take this one's place.
type Successor struct {
	process *os.Process
	in      *bufio.Reader
	inEnd   *os.File
	out     *os.File
	last    *lastLine     // of what it wrote to standard error before it was one of us
	ended   chan struct{} // closed once the process has ended; status is set before
	status  error         // how; nil: well, or nobody but its parent knows
	left    chan struct{} // closed once nobody here wants to know that any more
}

// PID is its process id.
func (s *Successor) PID() int { return s.process.Pid }

// Wait waits until the process is ready. If it isn't before ctx ends, or fails,
// it is ended, and the error says why.
func (s *Successor) Wait(ctx context.Context) error {
	return s.expect(ctx, func(word answer) bool { return word.Ready })
}

// How long the new process may take for the last steps. This one goes on serving
// meanwhile, but takes no orders.
const (
	tellLimit  = 5 * time.Second // until it has heard what this one remembers
	serveLimit = 2 * time.Second // until it serves
)

var errIdle = fmt.Errorf("the new process doesn't begin to serve within %v", serveLimit)

// Serve lets the process serve, once it has learned what this one remembers, each
// part of which is a value for JSON, and waits until it does. If it doesn't, it is
// ended, and the error says why.
func (s *Successor) Serve(memory iter.Seq[any]) error {
	ctx, cancel := context.WithTimeoutCause(context.Background(), tellLimit+serveLimit, errIdle)
	defer cancel()
	// What can't be told shows in the answer.
	s.tell(memory)
	return s.expect(ctx, func(word answer) bool { return word.Serving })
}

func (s *Successor) tell(memory iter.Seq[any]) {
	_ = s.out.SetWriteDeadline(time.Now().Add(tellLimit))
	for part := range memory {
		if say(s.out, order[any]{Learn: part}) != nil {
			return
		}
	}
	_ = say(s.out, order[any]{Serve: true})
}

// expect waits for an answer. If another one comes, or none, the process is ended, and
// the error says what is known of it.
func (s *Successor) expect(ctx context.Context, wanted func(answer) bool) error {
	word, err := s.hear(ctx)
	if err == nil && !wanted(word) {
		err = word.refusal()
	}
	if err == nil {
		return nil
	}
	s.End()
	if !errors.Is(err, errSilent) {
		return err
	}
	if s.status != nil {
		err = fmt.Errorf("%w (%w)", err, s.status)
	}
	if line := s.last.text(); line != "" {
		err = fmt.Errorf("%w: %s", err, line)
	}
	return err
}

// hear returns the next answer of the process.
func (s *Successor) hear(ctx context.Context) (word answer, err error) {
	heard := make(chan error, 1)
	go func() { heard <- hear(s.in, &word) }()
	select {
	case err = <-heard:
	case <-s.ended:
		// A child of it may have the pipe still.
		_ = s.inEnd.SetReadDeadline(time.Now().Add(readLimit))
		err = <-heard
	case <-ctx.Done():
		// If this process stood still, the answer may have come in time.
		_ = s.inEnd.SetReadDeadline(time.Now().Add(readLimit))
		if <-heard != nil {
			return answer{}, context.Cause(ctx)
		}
	}
	if err != nil && !errors.Is(err, errNoise) {
		err = errSilent
	}
	return word, err
}

// maxRefusal bounds what a process says of its failure, in octets.
const maxRefusal = 4 << 10

// refusal is an answer that is not the one that was waited for.
func (a answer) refusal() error {
	if a.Error == "" {
		return errNoise
	}
	return errors.New(shortened(a.Error, maxRefusal))
}

// errSilent is a process that has ended, or hung up.
var errSilent = errors.New("the new process has ended without a word")

// Signal passes a signal on.
func (s *Successor) Signal(sig os.Signal) { _ = s.process.Signal(sig) }

// endLimit is how long it may take to end by itself, and by force.
const endLimit = 5 * time.Second

// End ends the process, and waits until it is gone.
func (s *Successor) End() {
	_ = s.process.Signal(terminate)
	if !s.endsWithin(endLimit) {
		_ = s.process.Kill()
		s.endsWithin(endLimit)
	}
	s.Leave()
	s.last.stop()
}

func (s *Successor) endsWithin(limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-s.ended:
		return true
	case <-timer.C:
		return false
	}
}

// Leave lets a process alone that serves: it speaks for the service from now on.
func (s *Successor) Leave() {
	close(s.left)
	s.hangUp()
}

func (s *Successor) hangUp() {
	_ = s.inEnd.Close()
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
	cmd := exec.Command(opts.Program)
	cmd.Args, cmd.Env = opts.Args, opts.Env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, pipes.theirErrors
	cmd.ExtraFiles = []*os.File{pipes.theirIn, pipes.theirOut, os.Stderr}
	for _, socket := range opts.Sockets {
		cmd.ExtraFiles = append(cmd.ExtraFiles, socket.file)
	}
	cmd.Env = append(cmd.Env, upgradeFDs+"="+numbers(len(cmd.ExtraFiles)))
	wait := cmd.Wait
	s := &Successor{
		in: bufio.NewReader(pipes.in), inEnd: pipes.in, out: pipes.out, last: newLastLine(pipes.errors),
		ended: make(chan struct{}), left: make(chan struct{}),
	}
	if opts.Sibling && makeSibling(cmd) {
		wait = s.awaitSibling
	}
	if err := cmd.Start(); err != nil {
		s.hangUp()
		s.last.stop()
		return nil, err
	}
	s.process = cmd.Process
	go func() {
		defer close(s.ended)
		s.status = wait()
	}()
	// More than a pipe holds may be to say, to a process that doesn't listen.
	stop := context.AfterFunc(ctx, s.hangUp)
	defer stop()
	_ = say(s.out, offer{Sockets: opts.Sockets, State: state}) // Wait tells if it is gone
	return s, nil
}

// siblingEvery is how often it is looked whether a process is still there that isn't
// this one's child.
const siblingEvery = 50 * time.Millisecond

// awaitSibling waits until such a process is gone, which takes its parent to notice, or
// nobody wants to know any more. How it has ended the parent alone knows.
func (s *Successor) awaitSibling() error {
	tick := time.NewTicker(siblingEvery)
	defer tick.Stop()
	for exists(s.process) {
		select {
		case <-tick.C:
		case <-s.left:
			return nil
		}
	}
	return nil
}

// numbers lists the descriptors that os/exec makes of n files.
func numbers(n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprint(firstFD+i))
	}
	return strings.Join(list, ",")
}
