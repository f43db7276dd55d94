package proxy

import (
	"context"
	"errors"
	"time"

	"popgate/internal/pop3"
)

// maxCommands bounds what a client may say before it has logged in.
const maxCommands = 100

// ask talks to the client until it has given a name and a password. Its time
// is what is left of timeouts { login }: the clock stands still while a
// backend or the failure delay is waited for.
func (s *session) ask(ctx context.Context) (pop3.Credentials, error) {
	s.loginBy = time.Now().Add(s.timeLeft)
	s.rec.enter(StateWaiting)
	if err := s.client.allow(ctx, s.loginBy); err != nil {
		return pop3.Credentials{}, err
	}
	defer func() { s.timeLeft = time.Until(s.loginBy) }()
	for {
		creds, err := s.step(ctx)
		if creds != nil {
			s.client.lines.Wipe()
			// An answer to USER must not wait for a backend.
			if err = s.client.beneath.Flush(); err != nil {
				creds.Password.Wipe()
			}
		}
		if creds != nil && err == nil {
			s.asked = time.Now()
			s.rec.note(func() { s.rec.Mechanism, s.rec.state = creds.Mechanism, StateLoggingIn })
			return *creds, nil
		}
		if err != nil {
			return pop3.Credentials{}, s.whyEnded(ctx, err)
		}
	}
}

// whyEnded tells draining and the end of the login time from other trouble.
func (s *session) whyEnded(ctx context.Context, err error) error {
	f := asFailure(err)
	if f.reason != "client_timeout" {
		return f
	}
	if ctx.Err() != nil {
		return calledOff(ctx)
	}
	return silent("login_timeout", nil)
}

// step reads one command and answers it. Without credentials and error, go on.
func (s *session) step(ctx context.Context) (*pop3.Credentials, error) {
	line, err := s.client.lines.ReadCommand()
	s.rec.trail.command(line, err)
	ending := errors.Is(err, pop3.ErrLineEnding)
	switch {
	case errors.Is(err, pop3.ErrTooLong):
		return nil, fail(causeTooLong, "line_too_long", nil)
	case err != nil && !ending:
		return nil, err
	}
	cmd, err := pop3.ParseCommand(line)
	s.commands++
	if s.commands == 1 && !cmd.Known() {
		// ALPACA: another protocol's client is talking, perhaps a
		// browser that was made to. One fixed answer, and out.
		return nil, fail(causeForeign, "not_pop3", nil)
	}
	if s.commands > maxCommands {
		return nil, fail(causeTooMany, "too_many_commands", nil)
	}
	user := s.user
	s.user = ""
	switch {
	case ending:
		return nil, s.bad(replyLineEnding)
	case errors.Is(err, pop3.ErrControl):
		return nil, s.bad(replyControl)
	case err != nil:
		return nil, s.bad(replySyntax)
	}
	return s.obey(ctx, cmd, user)
}

// bad answers a bad command, and ends the session if it was one too many.
// STLS does not reset the count.
func (s *session) bad(reply string) error {
	s.errors++
	if err := s.client.say(reply); err != nil {
		return err
	}
	if s.errors >= s.listener.errors(s.set) {
		return silent("too_many_errors", nil)
	}
	return nil
}

// obey answers a well-formed command. user is the name given just before.
func (s *session) obey(ctx context.Context, cmd pop3.Command, user string) (*pop3.Credentials, error) {
	if s.client.tls == nil {
		switch cmd.Keyword {
		case "USER", "PASS":
			// RFC 2595 §2.3, RFC 8314 §4.1: no password in clear.
			return nil, s.client.say(replyStartTLS)
		}
	}
	switch cmd.Keyword {
	case "USER":
		return nil, s.name(cmd)
	case "PASS":
		return s.pass(cmd, user)
	case "AUTH":
		return s.auth(cmd)
	case "CAPA", "NOOP", "QUIT", "STLS":
		if cmd.HasArg {
			return nil, s.bad(replyNoArgument)
		}
		return nil, s.plain(ctx, cmd.Keyword)
	case "APOP", "UTF8", "LANG":
		// Clients probe for these; it is no error to ask.
		return nil, s.client.say(replyNotAvailable)
	case "STAT", "LIST", "RETR", "DELE", "RSET", "TOP", "UIDL":
		return nil, s.bad(replyLoginFirst)
	}
	return nil, s.bad(replyUnknown)
}

// plain answers the commands without an argument.
func (s *session) plain(ctx context.Context, keyword string) error {
	switch keyword {
	case "CAPA":
		if s.client.tls == nil {
			return s.client.write(s.set.capaClear)
		}
		return s.client.write(s.set.capaTLS)
	case "NOOP":
		return s.client.say(replyNoop)
	case "STLS":
		return s.startTLS(ctx)
	}
	// QUIT. RFC 1939 §4: no UPDATE state, as there was no TRANSACTION.
	if err := s.client.say(replyQuit); err != nil {
		return err
	}
	return silent("quit_before_login", nil)
}

// name answers USER. Whether there is such a maildrop is nobody's business
// (RFC 1939 §7, §13). Of two USERs the last one counts.
func (s *session) name(cmd pop3.Command) error {
	if err := pop3.CheckName(cmd.Arg); err != nil {
		s.debug("name refused", "error", err.Error())
		return s.bad(nameReply(err))
	}
	s.user = string(cmd.Arg)
	return s.client.say(replyUser)
}

// pass takes the argument of PASS, all of it, as the password. RFC 1939 §7:
// PASS comes right after a successful USER, so after anything else, a refused
// password too, USER is needed again.
func (s *session) pass(cmd pop3.Command, user string) (*pop3.Credentials, error) {
	switch {
	case user == "":
		return nil, s.bad(replyUserFirst)
	case len(cmd.Arg) == 0:
		return nil, s.bad(replyPassMissing)
	}
	creds, err := pop3.NewCredentials("USER", []byte(user), cmd.Arg)
	if err != nil {
		return nil, s.bad(replyControl)
	}
	return &creds, nil
}
