package pop3

import (
	"errors"
	"fmt"
	"io"
)

// MaxRequest is the longest command line sent to a backend, in octets with
// its CRLF. RFC 2449 §4 promises 255. Old servers hand a buffer of 512 to
// fgets, which keeps one octet for itself; the rest of a longer line would be a
// command of its own to them.
const MaxRequest = 511

// ErrRequest is an argument that must not be written to a backend.
var ErrRequest = errors.New("argument not fit for a backend")

// Request is one line for a backend. Make it with the functions below, send
// it with [Send]; nothing else may write to a backend before the relay does.
// A Request serves once, and like a [Password] can't be printed.
type Request struct {
	line hidden // without CRLF
	max  int
	// args are checked again at the write, as they were before encoding.
	args []func() error
}

// User is the USER command (RFC 1939 §7).
func User(name string) Request {
	return Request{
		line: hide(append([]byte("USER "), name...)),
		max:  MaxRequest,
		args: []func() error{checkedName(name)},
	}
}

// Pass is the PASS command (RFC 1939 §7).
func Pass(p Password) Request {
	return Request{
		line: hide(append([]byte("PASS "), p.Reveal()...)),
		max:  MaxRequest,
		args: []func() error{checkedPassword(p)},
	}
}

// AuthPlain starts a PLAIN exchange without an initial response: servers that
// know AUTH from RFC 1734 only don't take one.
func AuthPlain() Request { return Request{line: hide([]byte("AUTH PLAIN")), max: MaxRequest} }

// PlainResponse answers the empty challenge of a PLAIN exchange (RFC 4616 §2).
func PlainResponse(name string, p Password) Request {
	return Request{
		line: hide(encodePlain(name, p.Reveal())),
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
	for _, check := range r.args {
		if err := check(); err != nil {
			return fmt.Errorf("%w: %w", ErrRequest, err)
		}
	}
	switch line := r.line.reveal(); {
	case len(line) == 0:
		return fmt.Errorf("%w: %w", ErrRequest, ErrEmpty) // sent already
	case len(line)+2 > r.max:
		return fmt.Errorf("%w: %w", ErrRequest, ErrTooLong)
	case hasControl(line):
		return fmt.Errorf("%w: %w", ErrRequest, ErrControl)
	}
	return nil
}

// Format writes a fixed word, whatever the verb.
func (r Request) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[request]") }

// Send writes requests to a backend in one write. Every one is checked first:
// if one isn't fit, nothing is written and the error wraps [ErrRequest]. All
// of them are wiped in any case.
func Send(w io.Writer, requests ...Request) error {
	size := 0
	for _, r := range requests {
		defer r.line.wipe()
		size += len(r.line.reveal()) + 2
	}
	for _, r := range requests {
		if err := r.Fit(); err != nil {
			return err
		}
	}
	out := make([]byte, 0, size)
	for _, r := range requests {
		out = append(append(out, r.line.reveal()...), '\r', '\n')
	}
	defer clear(out)
	_, err := w.Write(out)
	return err
}
