package load

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"popgate/bench/internal/maildrop"
)

const (
	lineBuffer = 1 << 10  // bytes; enough for every one-line reply
	mailBuffer = 64 << 10 // bytes; for RETR
)

// client is one connection. It is used by one goroutine at a time.
type client struct {
	conn    *tls.Conn
	buf     []byte // what was received and not yet taken is buf[r:w]
	r, w    int
	release func() bool // ends the watch over the context
}

// dial connects, does a full handshake and takes the greeting. The connection
// breaks when ctx ends. buf is the client's to use.
func dial(ctx context.Context, t Target, buf []byte) (*client, error) {
	dialer := net.Dialer{Timeout: opLimit, KeepAlive: -1}
	raw, err := dialer.DialContext(ctx, "tcp", t.Address)
	if err != nil {
		return nil, err
	}
	c := &client{conn: tls.Client(raw, t.TLS), buf: buf}
	c.release = context.AfterFunc(ctx, func() { raw.SetDeadline(time.Unix(1, 0)) })
	if err := errors.Join(c.arm(ctx), c.handshake(t.Resume)); err != nil {
		c.close()
		return nil, err
	}
	if err := c.ok("greeting"); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *client) handshake(resume bool) error {
	// Not HandshakeContext: it would start a goroutine beside the watch that is there.
	if err := c.conn.Handshake(); err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	if resumed := c.conn.ConnectionState().DidResume; resumed != resume {
		return fmt.Errorf("handshake: the session was resumed: %v, want %v", resumed, resume)
	}
	return nil
}

// arm gives the next operation its time. It fails once ctx has ended: the
// watch may already have run, and its deadline would be undone here.
func (c *client) arm(ctx context.Context) error {
	if err := c.conn.SetDeadline(time.Now().Add(opLimit)); err != nil {
		return err
	}
	return ctx.Err()
}

// close drops the connection without QUIT.
func (c *client) close() {
	c.release()
	c.conn.NetConn().Close()
}

// login sends USER and PASS, each after the answer to what came before.
func (c *client) login(t Target) error {
	if err := c.do("USER " + t.User); err != nil {
		return err
	}
	// The password stays out of the error's text.
	if _, err := io.WriteString(c.conn, "PASS "+t.Password+"\r\n"); err != nil {
		return fmt.Errorf("send PASS: %w", err)
	}
	return c.ok("PASS")
}

// do sends a command whose reply is one line, and insists on +OK.
func (c *client) do(command string) error {
	if err := c.send(command); err != nil {
		return err
	}
	return c.ok(command)
}

func (c *client) send(command string) error {
	if _, err := io.WriteString(c.conn, command+"\r\n"); err != nil {
		return fmt.Errorf("send %s: %w", command, err)
	}
	return nil
}

func (c *client) ok(what string) error {
	line, err := c.line()
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if !bytes.HasPrefix(line, []byte("+OK")) {
		return fmt.Errorf("%s: refused: %.80q", what, line)
	}
	return nil
}

// stat insists on the reply that the backend gives.
func (c *client) stat(want string) error {
	if err := c.send("STAT"); err != nil {
		return err
	}
	line, err := c.line()
	if err != nil {
		return fmt.Errorf("STAT: %w", err)
	}
	if string(line) != want {
		return fmt.Errorf("STAT: got %.80q, want %q", line, want)
	}
	return nil
}

// ask asks for message number n and takes nothing of it.
func (c *client) ask(n int) error {
	// What isn't taken is to wait in the proxy, not in the system's buffers.
	if tcp, ok := c.conn.NetConn().(*net.TCPConn); ok {
		if err := tcp.SetReadBuffer(4 << 10); err != nil {
			return err
		}
	}
	return c.send("RETR " + strconv.Itoa(n))
}

// quit says QUIT and waits until the proxy has closed the connection, as its
// share of the closing belongs to the session.
func (c *client) quit() error {
	defer c.close()
	if err := c.do("QUIT"); err != nil {
		return err
	}
	if c.r < c.w {
		return fmt.Errorf("%d octets behind the answer to QUIT", c.w-c.r)
	}
	n, err := c.conn.Read(c.buf)
	if n > 0 {
		return fmt.Errorf("%d octets behind the answer to QUIT", n)
	}
	if err != io.EOF {
		return fmt.Errorf("after QUIT: %w", err)
	}
	// RFC 8446 §6.1: a close_notify before the connection is closed. The proxy may be gone already.
	_ = c.conn.Close()
	return nil
}

// retrieve fetches message number n and insists on its size; every octet
// of the reply also goes to sink, unless that is nil.
func (c *client) retrieve(n int, m maildrop.Message, sink io.Writer) error {
	command := "RETR " + strconv.Itoa(n)
	if err := c.send(command); err != nil {
		return err
	}
	line, err := c.line()
	if err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	if !bytes.HasPrefix(line, []byte("+OK")) {
		return fmt.Errorf("%s: refused: %.80q", command, line)
	}
	if sink != nil {
		sink.Write(line) // A hash: it can't fail.
	}
	size, err := c.body(sink)
	if err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	if size += len(line); size != len(m.Reply) {
		return fmt.Errorf("%s: got %d octets, want %d", command, size, len(m.Reply))
	}
	if c.r < c.w {
		return fmt.Errorf("%s: %d octets behind the reply", command, c.w-c.r)
	}
	return nil
}
