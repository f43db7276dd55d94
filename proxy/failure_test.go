package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"popgate/internal/pop3"
	"popgate/internal/route"
)

// timedOut is a network error as a deadline makes it.
var timedOut = &net.OpError{Op: "read", Net: "tcp", Err: os.ErrDeadlineExceeded}

// lost is a network error as a peer's RST makes it.
var lost = &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}

func TestFailureText(t *testing.T) {
	inner := errors.New("connection refused")
	f := fail(causeTemporary, "backend_unreachable", fmt.Errorf("dial east: %w", inner))
	if got, want := f.Error(), "backend_unreachable: dial east: connection refused"; got != want {
		t.Errorf("Error() = %q; want %q", got, want)
	}
	if !errors.Is(f, inner) {
		t.Error("the details can't be told by errors.Is")
	}
	if got := silent("login_timeout", nil).Error(); got != "login_timeout" {
		t.Errorf("without details Error() = %q", got)
	}
	if fail(causeAuth, "no_route", nil).elsewhere || !tryElsewhere("backend_protocol", nil).elsewhere {
		t.Error("only trouble of one address may be tried elsewhere")
	}
}

// TestAsFailure: what reading from a client may return, and that it is never a
// reason to say something.
func TestAsFailure(t *testing.T) {
	for _, tt := range []struct {
		err    error
		reason string
	}{
		{io.EOF, "client_closed"},
		{fmt.Errorf("read: %w", io.EOF), "client_closed"},
		{io.ErrUnexpectedEOF, "unfinished_line"},
		{timedOut, "client_timeout"},
		{fmt.Errorf("read: %w", timedOut), "client_timeout"},
		{lost, "client_lost"},
		{net.ErrClosed, "client_lost"},
		{errors.New("tls: bad record MAC"), "client_lost"},
	} {
		f := asFailure(tt.err)
		if f.reason != tt.reason || f.cause != causeSilent {
			t.Errorf("%v: %s, cause %d; want %s, silent", tt.err, f.reason, f.cause, tt.reason)
		}
	}
	whole := fail(causeInUse, "in_use", nil)
	if got := asFailure(fmt.Errorf("log in: %w", whole)); got != whole {
		t.Errorf("a failure became another one: %v", got)
	}
}

// TestHandshakeFailure: no handshake's error is told to anybody.
func TestHandshakeFailure(t *testing.T) {
	for _, tt := range []struct {
		err    error
		reason string
	}{
		{tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, "not_tls"},
		{io.EOF, "handshake_aborted"},
		{io.ErrUnexpectedEOF, "handshake_aborted"},
		{timedOut, "handshake_timeout"},
		{errors.New("tls: client offered only unsupported versions"), "handshake_failed"},
	} {
		if f := handshakeFailure(tt.err); f.reason != tt.reason || f.cause != causeSilent {
			t.Errorf("%v: %s, cause %d; want %s, silent", tt.err, f.reason, f.cause, tt.reason)
		}
	}
}

// TestBroken sorts the trouble with a backend: nobody's password is wrong
// because of it, and until the password is out another address may be tried.
func TestBroken(t *testing.T) {
	going, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		name      string
		ctx       context.Context
		err       error
		cause     cause
		reason    string
		elsewhere bool
	}{
		{"silent", t.Context(), timedOut, causeTemporary, "backend_login_timeout", true},
		{"closed", t.Context(), io.EOF, causeTemporary, "backend_login_closed", true},
		{"closed inside a line", t.Context(), io.ErrUnexpectedEOF, causeTemporary, "backend_login_closed", true},
		{"lost", t.Context(), lost, causeTemporary, "backend_login", true},
		{"no reply", t.Context(), pop3.ErrReply, causeTemporary, "backend_protocol", true},
		{"a flood", t.Context(), pop3.ErrTooLong, causeTemporary, "backend_protocol", true},
		{"early", t.Context(), errTooEarly, causeTemporary, "backend_protocol", true},
		{"unfit", t.Context(), fmt.Errorf("%w: %w", pop3.ErrRequest, pop3.ErrTooLong), causeAuth, "unfit_for_backend", false},
		{"going away", going, timedOut, causeDraining, "draining", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := broken(tt.ctx, "backend_login", tt.err)
			if f.cause != tt.cause || f.reason != tt.reason || f.elsewhere != tt.elsewhere {
				t.Errorf("cause %d, %s, elsewhere %v; want %d, %s, %v", f.cause, f.reason, f.elsewhere, tt.cause, tt.reason, tt.elsewhere)
			}
			if after(f).elsewhere {
				t.Error("after the password another address would be tried")
			}
		})
	}
}

// TestPassRefused: by code, else by words, else the password is wrong.
func TestPassRefused(t *testing.T) {
	backend := &route.Backend{InUseWords: []string{"mailbox is locked"}, TemporaryWords: []string{"temporar", "locked out for now"}}
	for line, want := range map[string]cause{
		"-ERR":                                causeAuth,
		"-ERR no":                             causeAuth,
		"-ERR [AUTH] mailbox is locked":       causeAuth,
		"-ERR [IN-USE] no":                    causeInUse,
		"-ERR [in-use] no":                    causeInUse,
		"-ERR [LOGIN-DELAY] no":               causeLoginDelay,
		"-ERR [SYS/TEMP] no":                  causeTemporary,
		"-ERR [SYS/PERM] no":                  causePermanent,
		"-ERR [SYS/NEW] no":                   causeTemporary,
		"-ERR [SYS] no":                       causeAuth,
		"-ERR [UTF8] no":                      causeAuth,
		"-ERR [X-OLD] mailbox is locked":      causeAuth, // words are for refusals without a code
		"-ERR your MailBox Is Locked by pid":  causeInUse,
		"-ERR Temporary failure":              causeTemporary,
		"-ERR mailbox is locked, temporarily": causeInUse,
		"-ERR mailbox  is locked":             causeAuth,
		"-ERR MA\u0130LBOX is locked":         causeAuth,
		"-ERR temporar\u0131ly":               causeTemporary,
	} {
		reply, err := pop3.ParseReply([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		f := asFailure(passRefused(reply, backend))
		if f.cause != want || f.elsewhere {
			t.Errorf("%s: cause %d (%s), elsewhere %v; want %d", line, f.cause, f.reason, f.elsewhere, want)
		}
	}
	if f := asFailure(passRefused(pop3.Reply{Text: "mailbox is locked, temporarily"}, new(route.Backend))); f.cause != causeAuth {
		t.Errorf("without words: %s", f.reason)
	}
}

// TestUserRefused: what a backend says to USER is an answer about a name, and
// looks like a wrong password whatever it is.
func TestUserRefused(t *testing.T) {
	for line, refused := range map[string]bool{
		"+OK": false, "+OK [IN-USE]": false,
		"-ERR": true, "-ERR [IN-USE] x": true, "-ERR [LOGIN-DELAY] x": true, "-ERR [SYS/TEMP] x": true, "-ERR [SYS/PERM] x": true,
	} {
		reply, err := pop3.ParseReply([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		err = userRefused(reply)
		if (err != nil) != refused {
			t.Errorf("%s: %v", line, err)
		}
		if err != nil {
			if f := asFailure(err); f.cause != causeAuth || f.elsewhere {
				t.Errorf("%s: cause %d, elsewhere %v", line, f.cause, f.elsewhere)
			}
		}
	}
}
