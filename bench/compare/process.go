package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// process is a server that was started here and will be ended here.
type process struct {
	name   string
	cmd    *exec.Cmd
	log    string        // file with all that it prints
	ended  chan struct{} // closed when the program has ended
	result error         // valid once ended is closed
}

// launch starts cmd with its output going to the file log.
func launch(name string, cmd *exec.Cmd, log string, as *identity) (*process, error) {
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = attributes(as)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &process{name: name, cmd: cmd, log: log, ended: make(chan struct{})}
	go func() { // stop waits for it
		p.result = cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// readyLimit is how long a server may take to listen.
const readyLimit = 15 * time.Second

// ready waits until the server accepts connections at address.
func (p *process) ready(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	retry := time.NewTicker(20 * time.Millisecond)
	defer retry.Stop()
	for {
		var d net.Dialer
		c, err := d.DialContext(ctx, "tcp", address)
		if err == nil {
			return c.Close()
		}
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended at start: %v; it said:\n%s", p.name, p.result, p.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("%s doesn't listen: %w; it said:\n%s", p.name, err, p.lastWords())
		case <-retry.C:
		}
	}
}

// stop ends the server by its id: TERM, a second TERM after the grace (popgate
// drains at the first), KILL after another. Children that it left behind are
// in its process group and are killed.
func (p *process) stop(grace time.Duration) {
	for _, signal := range []os.Signal{syscall.SIGTERM, syscall.SIGTERM, syscall.SIGKILL} {
		if p.waited(signal, grace) {
			break
		}
	}
	killGroup(p.pid())
}

// waited sends a signal unless the program has ended, and reports whether it
// ends within the limit.
func (p *process) waited(signal os.Signal, limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.ended:
		return true
	default:
	}
	// An error means that it ended this moment; the wait below sees it.
	_ = p.cmd.Process.Signal(signal)
	select {
	case <-p.ended:
		return true
	case <-timer.C:
		return false
	}
}

// lastWords is the end of what the server printed.
func (p *process) lastWords() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	const most = 2000
	return strings.TrimSpace(string(text[max(0, len(text)-most):]))
}

// freeAddress finds a port on loopback that nobody listens on now.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
