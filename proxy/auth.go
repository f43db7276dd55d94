package proxy

import (
	"bytes"
	"errors"
	"strings"
	"time"

	"popgate/internal/pop3"
)

// mechanisms are the SASL mechanisms that a client may use, under TLS.
var mechanisms = []string{"PLAIN", "LOGIN"}

// auth answers AUTH (RFC 5034 §4).
func (s *session) auth(cmd pop3.Command) (*pop3.Credentials, error) {
	mechanism, initial, hasInitial := bytes.Cut(cmd.Arg, []byte{' '})
	switch {
	case !cmd.HasArg:
		return nil, s.listMechanisms()
	case s.client.tls == nil:
		return nil, s.client.say(replyStartTLS)
	case len(mechanism) == 0, hasInitial && len(initial) == 0:
		return nil, s.bad(replySyntax)
	}
	response := &initial
	if !hasInitial {
		response = nil
	}
	switch {
	case pop3.EqualFold(mechanism, "PLAIN"):
		return s.exchanged(s.authPlain(response))
	case pop3.EqualFold(mechanism, "LOGIN"):
		return s.exchanged(s.authLogin(response))
	}
	// Clients probe; it is no error to ask.
	return nil, s.client.say(replyMechanism)
}

// errCancelled is a client's "*".
var errCancelled = errors.New("cancelled by the client")

// exchanged answers what went wrong in an exchange.
func (s *session) exchanged(creds pop3.Credentials, err error) (*pop3.Credentials, error) {
	switch {
	case err == nil:
		return &creds, nil
	case errors.Is(err, errCancelled):
		return nil, s.client.say(replyCancelled)
	case errors.Is(err, pop3.ErrTooLong):
		return nil, fail(causeTooLong, "line_too_long", nil)
	case errors.Is(err, pop3.ErrLineEnding):
		return nil, s.bad(replyLineEnding)
	case errors.Is(err, pop3.ErrBase64):
		return nil, s.bad(replyBase64)
	case errors.Is(err, pop3.ErrAuthzid):
		// RFC 4616 §2: nobody may act for another here. It is an answer
		// to credentials, so it looks like every refusal.
		s.asked = time.Now()
		s.rec.attempt()
		s.rec.note(func() { s.rec.Mechanism = "PLAIN" })
		return nil, fail(causeAuth, "authzid", nil)
	case errors.Is(err, pop3.ErrPlain), errors.Is(err, pop3.ErrEmpty), errors.Is(err, pop3.ErrSpaces),
		errors.Is(err, pop3.ErrControl), errors.Is(err, pop3.ErrUTF8):
		return nil, s.bad(replyPlain)
	}
	return nil, err
}

// authPlain is the PLAIN exchange (RFC 4616).
func (s *session) authPlain(initial *[]byte) (pop3.Credentials, error) {
	message, err := s.response(challengeEmpty, initial)
	if err != nil {
		return pop3.Credentials{}, err
	}
	return pop3.ParsePlain(message)
}

// authLogin is the LOGIN exchange, which no RFC describes but which Outlook and
// many scanners use: two challenges, whose texts are fixed by custom.
func (s *session) authLogin(initial *[]byte) (pop3.Credentials, error) {
	name, err := s.response(challengeUser, initial)
	if err != nil {
		return pop3.Credentials{}, err
	}
	password, err := s.response(challengePassword, nil)
	if err != nil {
		return pop3.Credentials{}, err
	}
	defer clear(password)
	return pop3.NewCredentials("LOGIN", name, password)
}

// response returns the client's decoded response to a challenge, or the
// initial one that made it unnecessary.
func (s *session) response(challenge string, initial *[]byte) ([]byte, error) {
	if initial != nil {
		return pop3.DecodeSASL(*initial)
	}
	if err := s.client.say(challenge); err != nil {
		return nil, err
	}
	line, err := s.client.lines.ReadSASL()
	s.rec.trail.response(err)
	switch {
	case err != nil:
		return nil, err
	case len(line) == 1 && line[0] == '*':
		return nil, errCancelled
	}
	return pop3.DecodeSASL(line)
}

// listMechanisms answers a bare AUTH, by which old clients find out what there
// is. In clear there is nothing.
func (s *session) listMechanisms() error {
	list := []string{"+OK"}
	if s.client.tls != nil {
		list = append(list, mechanisms...)
	}
	return s.client.write(strings.Join(append(list, ".", ""), "\r\n"))
}
