package load

import (
	"bytes"
	"fmt"
	"io"
)

// body takes the lines of a multi-line reply with its final dot.
func (c *client) body(sink io.Writer) (size int, err error) {
	var b body
	for done := false; !done; {
		if c.r == c.w {
			if err := c.fill(); err != nil {
				return size, fmt.Errorf("after %d octets: %w", size, err)
			}
		}
		var n int
		n, done = b.feed(c.buf[c.r:c.w])
		if sink != nil {
			sink.Write(c.buf[c.r : c.r+n])
		}
		c.r += n
		size += n
	}
	return size, nil
}

// line takes one line with its CRLF. It is valid until the next read.
func (c *client) line() ([]byte, error) {
	for from := c.r; ; {
		if at := bytes.IndexByte(c.buf[from:c.w], '\n'); at >= 0 {
			line := c.buf[c.r : from+at+1]
			c.r = from + at + 1
			if !bytes.HasSuffix(line, []byte("\r\n")) {
				return nil, fmt.Errorf("a line without CRLF: %.80q", line)
			}
			return line, nil
		}
		seen := c.w - c.r
		if err := c.fill(); err != nil {
			return nil, err
		}
		from = c.r + seen
	}
}

// fill reads once more behind what is there. An end of the stream is an
// error, as nobody calls fill who doesn't await something.
func (c *client) fill() error {
	if c.r > 0 {
		c.w = copy(c.buf, c.buf[c.r:c.w])
		c.r = 0
	}
	if c.w == len(c.buf) {
		return fmt.Errorf("a line above %d octets", len(c.buf))
	}
	n, err := c.conn.Read(c.buf[c.w:])
	c.w += n
	if n > 0 {
		return nil
	}
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
