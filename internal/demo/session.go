package demo

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"time"

	"popgate/internal/pop3"
)

// maxFaults is how many refused commands a session may have; a client that
// needs more isn't one.
const maxFaults = 50

// session is one client's connection.
type session struct {
	server *Server
	conn   net.Conn
	in     *pop3.Reader
	out    *bufio.Writer
	faults int
	over   bool // the session ends

	named string // by the USER just before, empty if there was none

	// In the TRANSACTION state, nil and empty before.
	drop     *maildrop
	messages []*message // number n is messages[n-1], deleted or not
	deleted  map[*message]bool
}

func newSession(server *Server, conn net.Conn) *session {
	return &session{
		server: server,
		conn:   conn,
		in:     pop3.NewReader(conn),
		out:    bufio.NewWriterSize(patientWriter{conn, server.idle}, 16<<10),
	}
}

// patientWriter gives every single write its time: a long mail may take as
// long as it needs, if only the client goes on reading.
type patientWriter struct {
	conn net.Conn
	idle time.Duration
}

func (w patientWriter) Write(p []byte) (int, error) {
	_ = w.conn.SetWriteDeadline(time.Now().Add(w.idle))
	return w.conn.Write(p)
}

// run greets and answers commands until the client or a limit ends it.
//
// RFC 1939 §6: a session that ends other than by QUIT removes nothing. So
// nothing here but the QUIT command does; on the way out only the maildrop is
// released.
func (s *session) run() {
	defer func() {
		if s.drop != nil {
			s.drop.release()
		}
	}()
	s.ok("%s POP3 demo server ready", s.server.hostname)
	for !s.over {
		line, err := s.next(s.in.ReadCommand)
		switch {
		case errors.Is(err, pop3.ErrTooLong):
			s.refuse(lineTooLong)
			s.over = true
		case errors.Is(err, pop3.ErrLineEnding):
			s.named = ""
			s.refuse(badLine)
		case err != nil:
			// The client is gone, or silent. RFC 1939 §3: the autologout
			// closes without a response.
			return
		default:
			s.command(line)
		}
	}
	_ = s.out.Flush() // there is nobody left to tell
}

// next reads a line within the idle time. What was answered is sent before it
// waits, and not earlier: pipelined commands get their answers together.
func (s *session) next(read func() ([]byte, error)) ([]byte, error) {
	if bytes.IndexByte(s.in.Buffered(), '\n') < 0 {
		if err := s.out.Flush(); err != nil {
			return nil, err
		}
		_ = s.conn.SetReadDeadline(time.Now().Add(s.server.idle))
	}
	return read()
}

// command answers one command.
func (s *session) command(line []byte) {
	named := s.named
	s.named = ""
	c, err := pop3.ParseCommand(line)
	if err != nil {
		s.refuse(badLine)
		return
	}
	v, known := verbs[c.Keyword]
	var no refusal
	switch {
	case !known:
		no = unknownCommand
	case v.state == authorization && s.drop != nil, v.state == transaction && s.drop == nil:
		no = wrongState
	case !v.args && c.HasArg:
		no = wrongArgument
	default:
		no = v.run(s, request{c, named})
	}
	if no != "" {
		s.refuse(no)
	}
}

// ok writes a +OK line. Texts are short and hold nothing that a client sent,
// so RFC 1939 §3's 512 octets are far away.
func (s *session) ok(format string, args ...any) {
	s.send("+OK " + fmt.Sprintf(format, args...) + "\r\n")
}

// refuse writes a -ERR line, and ends the session after too many.
func (s *session) refuse(no refusal) {
	s.send("-ERR " + string(no) + "\r\n")
	s.faults++
	s.over = s.over || s.faults >= maxFaults
}

// send writes text as it is. An error stays with the writer until next or run
// flushes it.
func (s *session) send(text string) { _, _ = s.out.WriteString(text) }
