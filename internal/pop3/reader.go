package pop3

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Limits of one line in octets, line ending included.
const (
	// MaxCommand is the longest command line, as RFC 2449 §4 sets it for
	// servers that have CAPA.
	MaxCommand = 255
	// MaxSASL is the longest line of a SASL exchange (RFC 5034 §4 sends
	// long responses as continuations, which know no limit of their own).
	MaxSASL = 12 << 10
	// MaxReply is the longest status line taken from a backend before
	// login. RFC 1939 §3 allows 512; old servers exceed it.
	MaxReply = 4096
	// MaxOwnReply is the longest status line that popgate sends (RFC 1939 §3).
	MaxOwnReply = 512
)

// readSize is a Reader's first buffer: two full commands, so that a login
// needs no second allocation.
const readSize = 512

var (
	// ErrTooLong is a line over its limit. Nothing of it was consumed, so
	// the only safe thing left is to close the connection.
	ErrTooLong = errors.New("line too long")
	// ErrLineEnding is a line that ended in a bare LF or held a bare CR
	// (RFC 1939 §3: commands end in a CRLF pair). The line was consumed, and
	// comes with the error for whoever wants to know what it was.
	ErrLineEnding = errors.New("line not ended by CRLF")
)

// Reader cuts a stream into bounded lines. It reads ahead up to its buffer,
// never past what the source had ready, and keeps what it has not handed out:
// see [Reader.Buffered]. A read error, a deadline among them, loses nothing;
// the next call goes on where it stopped. Not safe for concurrent use.
type Reader struct {
	src  io.Reader
	buf  []byte
	r, w int // buf[r:w] is read and not handed out
}

// NewReader returns a Reader of src with a buffer of 512 octets, which grows
// only for lines that may be longer.
func NewReader(src io.Reader) *Reader {
	return &Reader{src: src, buf: make([]byte, readSize)}
}

// ReadCommand returns a client's next line without its CRLF. The limit is
// [MaxCommand], and [MaxSASL] for an AUTH command, whose initial response
// many clients send whatever its length. The line is valid until the next call.
//
// Errors: [ErrTooLong], [ErrLineEnding], io.EOF at the end of the stream,
// io.ErrUnexpectedEOF if the stream ended inside a line (which is no line, and
// is never handed out), and the source's own.
func (r *Reader) ReadCommand() ([]byte, error) {
	line, err := r.line(MaxCommand)
	if errors.Is(err, ErrTooLong) && isAuth(r.buf[r.r:r.w]) {
		line, err = r.line(MaxSASL)
	}
	if err != nil {
		return nil, err
	}
	return cutCRLF(line)
}

// ReadSASL returns a client's next line of a SASL exchange without its CRLF:
// as [Reader.ReadCommand], with the limit [MaxSASL].
func (r *Reader) ReadSASL() ([]byte, error) {
	line, err := r.line(MaxSASL)
	if err != nil {
		return nil, err
	}
	return cutCRLF(line)
}

// ReadReply returns a backend's next line without its line ending, which may
// be a bare LF. Limit and errors are those of [Reader.ReadCommand] with
// [MaxReply], but for ErrLineEnding, which does not occur.
func (r *Reader) ReadReply() ([]byte, error) {
	line, err := r.line(MaxReply)
	if err != nil {
		return nil, err
	}
	line = line[:len(line)-1]
	return bytes.TrimSuffix(line, []byte{'\r'}), nil
}

// Buffered returns the octets that were read and not handed out yet. They
// belong to the Reader and are valid until its next call.
func (r *Reader) Buffered() []byte { return r.buf[r.r:r.w] }

// Wipe overwrites all that was handed out, so that a password does not lie in
// memory for as long as the session lasts. Lines returned before are void.
func (r *Reader) Wipe() { clear(r.buf[:r.r]) }

// Format writes a fixed word, whatever the verb: the buffer may hold a password.
func (r *Reader) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[pop3.Reader]") }

// line returns the next line with its LF.
func (r *Reader) line(max int) ([]byte, error) {
	seen := 0
	for {
		if i := bytes.IndexByte(r.buf[r.r+seen:r.w], '\n'); i >= 0 {
			n := seen + i + 1
			if n > max {
				return nil, ErrTooLong
			}
			r.r += n
			// No capacity over what is still to be handed out: an
			// append to the line must not overwrite it.
			return r.buf[r.r-n : r.r : r.r], nil
		}
		seen = r.w - r.r
		if seen >= max {
			return nil, ErrTooLong
		}
		if err := r.fill(max); err != nil {
			return nil, err
		}
	}
}

// fill reads once, making room for a line of max octets at most.
func (r *Reader) fill(max int) error {
	if r.r > 0 {
		n := copy(r.buf, r.buf[r.r:r.w])
		// What moved down has a second copy above; it may be a password.
		clear(r.buf[n:r.w])
		r.r, r.w = 0, n
	}
	if r.w == len(r.buf) {
		grown := make([]byte, min(2*len(r.buf), max))
		copy(grown, r.buf[:r.w])
		clear(r.buf)
		r.buf = grown
	}
	for range 100 {
		n, err := r.src.Read(r.buf[r.w:])
		r.w += n
		switch {
		case n > 0:
			// A source may give data and an error at once; it will
			// give the error again.
			return nil
		case err == io.EOF && r.w > 0:
			return io.ErrUnexpectedEOF
		case err != nil:
			return err
		}
	}
	return io.ErrNoProgress
}

// cutCRLF takes the CRLF off a line that ends in LF, and refuses bare CR and LF.
func cutCRLF(line []byte) ([]byte, error) {
	body, ok := bytes.CutSuffix(line, []byte("\r\n"))
	if !ok {
		return line[:len(line)-1], ErrLineEnding
	}
	if bytes.IndexByte(body, '\r') >= 0 {
		return body, ErrLineEnding
	}
	return body, nil
}

func isAuth(line []byte) bool {
	return len(line) > 5 && EqualFold(line[:4], "AUTH") && line[4] == ' '
}
