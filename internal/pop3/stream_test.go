package pop3_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"testing"

	"popgate/internal/pop3"
)

// piece is what one Read of a source gives: data, an error, or both at once.
type piece struct {
	data string
	err  error
}

// source gives its pieces one a Read, and then io.EOF for ever.
type source struct{ pieces []piece }

func (s *source) Read(p []byte) (int, error) {
	if len(s.pieces) == 0 {
		return 0, io.EOF
	}
	next := &s.pieces[0]
	n := copy(p, next.data)
	next.data = next.data[n:]
	if next.data != "" {
		return n, nil
	}
	err := next.err
	s.pieces = s.pieces[1:]
	return n, err
}

// event is what one call of a read method gave.
type event struct {
	line string
	err  error
}

func (e event) String() string { return fmt.Sprintf("(%q, %v)", e.line, e.err) }

// read is a read method of Reader.
type read = func(*pop3.Reader) ([]byte, error)

// replay reads r until the stream is over or nothing more can be read. A
// passed deadline is no event: the caller sets a new one and asks again.
func replay(r *pop3.Reader, next read) []event {
	var events []event
	for {
		line, err := next(r)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			continue
		case err == nil, errors.Is(err, pop3.ErrLineEnding):
			events = append(events, event{string(line), err})
		default:
			return append(events, event{string(line), err})
		}
	}
}

// equalEvents compares errors with errors.Is, as callers do.
func equalEvents(got, want []event) bool {
	if len(got) != len(want) {
		return false
	}
	for i, g := range got {
		if g.line != want[i].line || !errors.Is(g.err, want[i].err) {
			return false
		}
	}
	return true
}

func wantEvents(t *testing.T, got, want []event) {
	t.Helper()
	if !equalEvents(got, want) {
		t.Errorf("got\n\t%v\nwant\n\t%v", got, want)
	}
}

// endless is a stream without an end and without a LF. It counts what is
// taken of it, which is all that a reader can hold.
type endless struct {
	prefix string
	taken  int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.prefix)
	e.prefix = e.prefix[n:]
	for i := range p[n:] {
		p[n+i] = 'a'
	}
	e.taken += len(p)
	return len(p), nil
}

// recorder is a backend that remembers each write.
type recorder struct {
	writes []string
	err    error
}

func (r *recorder) Write(p []byte) (int, error) {
	r.writes = append(r.writes, string(p))
	if r.err != nil {
		return 0, r.err
	}
	return len(p), nil
}
