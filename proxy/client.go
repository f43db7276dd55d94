package proxy

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"time"

	"popgate/internal/pop3"
	"popgate/internal/relay"
)

const (
	// writeTime bounds a write to a client before login. Nothing that
	// popgate says then fills a socket's buffer, unless nobody reads.
	writeTime = 30 * time.Second
	// partingTime bounds the end of a connection: our last words, and the
	// client's that are still on their way.
	partingTime = time.Second
	// partingSize bounds what is read and dropped then, in octets.
	partingSize = 64 << 10
)

// past is a deadline that is over.
var past = time.Unix(1, 0)

// client is the connection to a mail client before the relay.
type client struct {
	beneath *relay.Conn
	tls     *tls.Conn // nil in clear
	lines   *pop3.Reader
	trail   *trail
}

// newClient talks over conn, of which head was read already.
func newClient(conn net.Conn, head []byte) *client {
	beneath := relay.NewConn(conn, head, writeTime)
	return &client{beneath: beneath, lines: pop3.NewReader(beneath)}
}

// conn is what to talk through.
func (c *client) conn() net.Conn {
	if c.tls != nil {
		return c.tls
	}
	return c.beneath
}

// secured replaces the connection by TLS over it. What was read in clear is
// forgotten (RFC 2595 §4).
func (c *client) secured(conn *tls.Conn) {
	c.tls = conn
	c.lines = pop3.NewReader(conn)
}

// say writes one line.
func (c *client) say(line string) error { return c.write(line + "\r\n") }

// write writes text, whose lines end in CRLF. It leaves when the client is
// waited for; an error may come with that.
func (c *client) write(text string) error {
	c.trail.answer(text)
	_, err := io.WriteString(c.conn(), text)
	return err
}

// allow gives the client time to speak, and none once ctx is done.
func (c *client) allow(ctx context.Context, until time.Time) error {
	if err := c.beneath.SetReadDeadline(until); err != nil {
		return err
	}
	// In this order: whoever ends ctx moves the deadline afterwards.
	if ctx.Err() != nil {
		return calledOff(ctx)
	}
	return nil
}

// close ends the connection in order: close_notify (RFC 8446 §6.1), FIN, and
// a moment for what the client has sent already, as a close with unread data
// would reset the connection and may destroy our last words.
func (c *client) close() {
	c.beneath.SetPatience(partingTime)
	if c.tls != nil {
		_ = c.tls.CloseWrite()
	}
	_ = c.beneath.SetDeadline(time.Now().Add(partingTime))
	if !c.beneath.Ended() && c.beneath.CloseWrite() == nil {
		_, _ = io.CopyN(io.Discard, c.beneath, partingSize)
	}
	_ = c.beneath.Close()
}
