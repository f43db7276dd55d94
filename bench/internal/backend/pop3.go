package backend

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"strconv"

	"popgate/bench/internal/maildrop"
)

// Options are what the POP3 server needs to know.
type Options struct {
	Password string             // of every user; made anew for each run
	Messages []maildrop.Message // every user's maildrop
}

// ServePOP3 serves plain POP3 on listener, one goroutine a connection, until
// ctx ends; then it closes the listener and all connections and returns nil.
func ServePOP3(ctx context.Context, listener net.Listener, opts Options) error {
	stat := []byte(maildrop.Stat(opts.Messages))
	return serve(ctx, listener, func(c net.Conn) {
		s := &session{opts: opts, stat: stat, in: bufio.NewReaderSize(c, maxLine), out: c}
		s.run()
	})
}

const maxLine = 512 // bytes; longer ones end the session

var (
	replyGreeting = []byte("+OK bench ready\r\n")
	replyOK       = []byte("+OK\r\n")
	replyNo       = []byte("-ERR no\r\n")
	replyCapa     = []byte("+OK\r\nUSER\r\nTOP\r\nUIDL\r\n.\r\n")
)

type session struct {
	opts     Options
	stat     []byte
	in       *bufio.Reader
	out      net.Conn
	named    bool // USER was the command before
	loggedIn bool
}

// run answers commands in turn until QUIT or until the connection breaks.
func (s *session) run() {
	if _, err := s.out.Write(replyGreeting); err != nil {
		return
	}
	for {
		line, err := s.in.ReadSlice('\n')
		if err != nil {
			return
		}
		verb, arg, _ := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(" "))
		if _, err := s.out.Write(s.reply(string(verb), arg)); err != nil || string(verb) == "QUIT" {
			return
		}
	}
}

func (s *session) reply(verb string, arg []byte) []byte {
	named := s.named
	s.named = verb == "USER" && !s.loggedIn
	switch {
	case verb == "QUIT":
		return replyOK
	case verb == "CAPA":
		return replyCapa
	case verb == "USER" && !s.loggedIn:
		return replyOK
	case verb == "PASS" && named && string(arg) == s.opts.Password:
		s.loggedIn = true
		return replyOK
	case !s.loggedIn:
		return replyNo
	case verb == "NOOP":
		return replyOK
	case verb == "STAT":
		return s.stat
	case verb == "RETR":
		return s.retrieve(string(arg))
	}
	return replyNo
}

func (s *session) retrieve(number string) []byte {
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > len(s.opts.Messages) {
		return replyNo
	}
	return s.opts.Messages[n-1].Reply
}
