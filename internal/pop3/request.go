package pop3

import (
	"errors"
	"fmt"
	"io"
)

// MaxRequest is the longest command line sent to a backend, in octets with
// its CRLF. RFC 2449 §4 promises 255; 512 is what old servers hand to fgets,
// and the rest of a longer line would be a command of its own to them.
const MaxRequest = 512

// ErrRequest is an argument that must not be written to a backend.
var ErrRequest = errors.New("argument not fit for a backend")

// Request is one line for a backend. Make it with the functions below, send
// it with [Send]; nothing else may write to a backend before the relay does.
// A Request serves once.
type Request struct {
	line []byte // without CRLF
	max  int
	// args are checked again at the write, as they were before encoding.
	args []func() error
}

// User is the USER command (RFC 1939 §7).
func User(name string) Request {
	return Request{
		line: append([]byte("USER "), name...),
		max:  MaxRequest,
		args: []func() error{checkedName(name)},
	}
}

// Pass is the PASS command (RFC 1939 §7).
func Pass(p Password) Request {
	return Request{
		line: append([]byte("PASS "), p.Reveal()...),
		max:  MaxRequest,
		args: []func() error{checkedPassword(p)},
	}
}

// AuthPlain starts a PLAIN exchange without an initial response: servers that
// know AUTH from RFC 1734 only don't take one.
func AuthPlain() Request { return Request{line: []byte("AUTH PLAIN"), max: MaxRequest} }

// PlainResponse answers the empty challenge of a PLAIN exchange (RFC 4616 §2).
func PlainResponse(name string, p Password) Request {
	return Request{
		line: encodePlain(name, p.Reveal()),
		max:  MaxSASL,
		args: []func() error{checkedName(name), checkedPassword(p)},
	}
}

func checkedName(name string) func() error {
	return func() error { return CheckName([]byte(name)) }
}

func checkedPassword(p Password) func() error {
	return func() error { return CheckPassword(p.Reveal()) }
}

// Fit reports whether r may be written: its line is short enough, and every
// argument passes [CheckName] or [CheckPassword], whoever made it. Otherwise
// the error wraps [ErrRequest] and the cause.
func (r Request) Fit() error {
	if len(r.line)+2 > r.max {
		return fmt.Errorf("%w: %w", ErrRequest, ErrTooLong)
	}
	for _, check := range r.args {
		if err := check(); err != nil {
			return fmt.Errorf("%w: %w", ErrRequest, err)
		}
	}
	if hasControl(r.line) {
		return fmt.Errorf("%w: %w", ErrRequest, ErrControl)
	}
	return nil
}

// Send writes requests to a backend in one write. Every one is checked first:
// if one isn't fit, nothing is written and the error wraps [ErrRequest].
func Send(w io.Writer, requests ...Request) error {
	size := 0
	for _, r := range requests {
		if err := r.Fit(); err != nil {
			return err
		}
		size += len(r.line) + 2
	}
	out := make([]byte, 0, size)
	for _, r := range requests {
		out = append(append(out, r.line...), '\r', '\n')
	}
	_, err := w.Write(out)
	clear(out)
	for _, r := range requests {
		clear(r.line)
	}
	return err
}
