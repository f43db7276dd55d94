package demo

import (
	"errors"
	"strconv"
	"strings"

	"popgate/internal/pop3"
)

// state is where a session must be for a command.
type state int

const (
	anywhere state = iota
	authorization
	transaction
)

// refusal is the text of a -ERR line; empty, the command was answered.
type refusal string

// The refusals. A response code stands first in its text (RFC 2449 §8); codes
// are RFC 3206's and RFC 2449's own.
const (
	unknownCommand refusal = "unknown command"
	wrongState     refusal = "not in this state"
	wrongArgument  refusal = "wrong argument"
	noSuchMessage  refusal = "no such message"
	badLine        refusal = "lines are ASCII words, end in CRLF and hold no control characters"
	lineTooLong    refusal = "line too long"
	loginFailed    refusal = "[AUTH] login failed"
	dropInUse      refusal = "[IN-USE] another session has the maildrop"
	loginCancelled refusal = "login cancelled"
	badResponse    refusal = "malformed SASL response"
	noMechanism    refusal = "mechanism not offered"
)

// verb is a command that the server knows.
type verb struct {
	state state
	args  bool // may have arguments
	run   func(*session, request) refusal
}

// request is a command and the name that the USER right before it gave.
type request struct {
	pop3.Command
	named string
}

// verbs is the table of commands.
var verbs = map[string]verb{
	"CAPA": {anywhere, false, (*session).capa},
	"QUIT": {anywhere, false, (*session).quit},

	"USER": {authorization, true, (*session).user},
	"PASS": {authorization, true, (*session).pass},
	"AUTH": {authorization, true, (*session).auth},

	"STAT": {transaction, false, (*session).stat},
	"LIST": {transaction, true, (*session).list},
	"UIDL": {transaction, true, (*session).uidl},
	"RETR": {transaction, true, (*session).retr},
	"TOP":  {transaction, true, (*session).top},
	"DELE": {transaction, true, (*session).dele},
	"NOOP": {transaction, false, (*session).noop},
	"RSET": {transaction, false, (*session).rset},
}

// capa lists what the server can. RFC 2449 §5: what is listed before login is
// listed after it, too.
func (s *session) capa(request) refusal {
	s.ok("capabilities follow")
	list := []string{"TOP", "UIDL", "USER", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING"}
	if s.server.authPlain {
		list = append(list, "SASL PLAIN")
	}
	if s.drop != nil {
		// RFC 2449 §6.9 lets a server tell strangers less than users.
		list = append(list, "IMPLEMENTATION popgate-demo")
	}
	s.multiline([]byte(strings.Join(list, "\r\n") + "\r\n"))
	return ""
}

// quit ends the session. RFC 1939 §6: from the TRANSACTION state it removes
// what was marked; from AUTHORIZATION (§4) it removes nothing.
func (s *session) quit(request) refusal {
	s.over = true
	if s.drop == nil {
		s.ok("bye")
		return ""
	}
	s.drop.remove(s.deleted)
	// Released before the answer: a client that has it may log in again at
	// once.
	s.drop.release()
	s.drop = nil
	s.ok("bye, %d messages removed", len(s.deleted))
	return ""
}

func (s *session) user(r request) refusal {
	if pop3.CheckName(r.Arg) != nil {
		return wrongArgument
	}
	s.named = string(r.Arg)
	// RFC 1939 §7: +OK may come even if no such mailbox exists.
	s.ok("now the password")
	return ""
}

func (s *session) pass(r request) refusal {
	if r.named == "" {
		// RFC 1939 §7: only right after a successful USER.
		return wrongState
	}
	return s.login(r.named, r.Arg)
}

// auth is RFC 5034's. Without an argument it lists the mechanisms, which some
// old clients ask for.
func (s *session) auth(r request) refusal {
	if !s.server.authPlain {
		return unknownCommand
	}
	if !r.HasArg {
		s.ok("mechanisms follow")
		s.multiline([]byte("PLAIN\r\n"))
		return ""
	}
	mechanism, initial, given := strings.Cut(string(r.Arg), " ")
	if !pop3.EqualFold([]byte(mechanism), "PLAIN") {
		return noMechanism
	}
	response := []byte(initial)
	if !given {
		s.send("+ \r\n") // RFC 5034 §4: an empty challenge
		line, err := s.next(s.in.ReadSASL)
		switch {
		case errors.Is(err, pop3.ErrLineEnding):
			return badLine
		case errors.Is(err, pop3.ErrTooLong):
			s.over = true
			return lineTooLong
		case err != nil:
			s.over = true
			return ""
		}
		response = line
	}
	if string(response) == "*" {
		// RFC 5034 §4: the client cancels the exchange.
		return loginCancelled
	}
	message, err := pop3.DecodeSASL(response)
	if err != nil {
		return badResponse
	}
	credentials, err := pop3.ParsePlain(message)
	if err != nil {
		return badResponse
	}
	defer credentials.Password.Wipe()
	return s.login(credentials.Name, credentials.Password.Reveal())
}

// login enters the TRANSACTION state, if name and password are right and
// nobody else holds the maildrop.
func (s *session) login(name string, password []byte) refusal {
	drop := s.server.drops[name]
	if drop == nil || !drop.opens(password) {
		return loginFailed
	}
	messages, ok := drop.take()
	if !ok {
		return dropInUse
	}
	s.drop, s.messages, s.deleted = drop, messages, map[*message]bool{}
	s.ok("%d messages", len(messages))
	return ""
}

// number reads a message number or a line count: decimal digits, without a
// sign (RFC 1939 §5).
func number(text string) (int, bool) {
	n, err := strconv.ParseUint(text, 10, 31)
	return int(n), err == nil
}
