package proxy

import (
	"errors"

	"popgate/internal/pop3"
)

// This file has every word that popgate itself says to a client before the relay;
// the refusals of a read-only relay are in internal/relay/command.go. A backend's
// words reach a client before the relay in one case only: its +OK to a login.
//
// RFC 1939 §3: at most 512 octets with CRLF. RFC 2449 §8, RFC 3206: a response
// code stands first, and only for what it is registered for.

// Answers to commands.
const (
	replyUser     = "+OK"
	replyNoop     = "+OK"
	replyQuit     = "+OK bye"
	replyBeginTLS = "+OK begin TLS"
	replyLogin    = "+OK logged in"

	challengeEmpty    = "+ "
	challengeUser     = "+ VXNlcm5hbWU6" // "Username:"
	challengePassword = "+ UGFzc3dvcmQ6" // "Password:"
)

// Errors in commands; the session goes on.
const (
	replySyntax       = "-ERR syntax error"
	replyLineEnding   = "-ERR a line must end in CRLF"
	replyControl      = "-ERR control characters are not allowed"
	replyUnknown      = "-ERR unknown command"
	replyLoginFirst   = "-ERR log in first"
	replyStartTLS     = "-ERR use STLS first"
	replyNoArgument   = "-ERR this command takes no argument"
	replyUserMissing  = "-ERR USER needs a name"
	replyUserSpaces   = "-ERR the name begins or ends with a space"
	replyUserUTF8     = "-ERR the name is not valid UTF-8"
	replyPassMissing  = "-ERR PASS needs a password"
	replyUserFirst    = "-ERR send USER first"
	replyNoSTLS       = "-ERR STLS is not possible here"
	replyMechanism    = "-ERR unknown authentication mechanism"
	replyCancelled    = "-ERR authentication cancelled"
	replyBase64       = "-ERR this is not base64"
	replyPlain        = "-ERR malformed response"
	replyNotAvailable = "-ERR not available before login"
)

// verdict is what follows from a cause.
type verdict struct {
	reply string // "" for none
	// stays: the client may go on.
	stays bool
	// counts towards login_attempts.
	counts bool
}

// verdicts is the table of what the client is told. Every refusal that a
// guesser could cause has one and the same reply.
var verdicts = map[cause]verdict{
	causeSilent:        {},
	causeForeign:       {reply: "-ERR this is a POP3 server"},
	causeTooLong:       {reply: "-ERR line too long"},
	causeTooMany:       {reply: "-ERR too many commands before login"},
	causeAuth:          {reply: "-ERR [AUTH] authentication failed", stays: true, counts: true},
	causeInUse:         {reply: "-ERR [IN-USE] the maildrop is in use by another session", stays: true},
	causeLoginDelay:    {reply: "-ERR [LOGIN-DELAY] log in less often", stays: true},
	causeTemporary:     {reply: "-ERR [SYS/TEMP] the mail server is not available, try again later", stays: true},
	causePermanent:     {reply: "-ERR [SYS/PERM] the mail server reports a permanent problem", stays: true},
	causeCapacity:      {reply: "-ERR [SYS/TEMP] too many sessions, try again later"},
	causeMisconfigured: {reply: "-ERR [SYS/PERM] the server is not configured correctly"},
	causeDraining:      {reply: "-ERR [SYS/TEMP] the server is restarting, try again"},
	causeKicked:        {reply: "-ERR [SYS/TEMP] this session was ended by an operator"},
}

// nameReply answers a name that is none.
func nameReply(err error) string {
	switch {
	case errors.Is(err, pop3.ErrEmpty):
		return replyUserMissing
	case errors.Is(err, pop3.ErrSpaces):
		return replyUserSpaces
	case errors.Is(err, pop3.ErrUTF8):
		return replyUserUTF8
	}
	return replyControl
}
