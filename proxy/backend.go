package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"time"

	"popgate/internal/pop3"
	"popgate/internal/relay"
	"popgate/internal/route"
)

// backend is a connection to a maildrop's server, until the relay has it. It
// serves one session and is never used again, after a refused login neither:
// nobody knows what such a server thinks of the connection.
type backend struct {
	conn   relay.Stream
	lines  *pop3.Reader
	limits Timeouts
	unwake func() bool
	trail  *trail

	ok       []byte // its answer to the login, without line ending
	answered bool   // it has answered the password
}

// newBackend talks over conn. The end of ctx interrupts it.
func newBackend(ctx context.Context, conn relay.Stream, limits Timeouts) *backend {
	b := &backend{conn: conn, lines: pop3.NewReader(conn), limits: limits}
	b.unwake = context.AfterFunc(ctx, func() { _ = conn.SetDeadline(past) })
	return b
}

func (b *backend) close() {
	b.unwake()
	_ = b.conn.Close()
}

// allow gives the backend time for what comes next.
func (b *backend) allow(ctx context.Context, d time.Duration) error {
	if err := b.conn.SetDeadline(time.Now().Add(d)); err != nil {
		return err
	}
	return ctx.Err()
}

// begin reads the greeting and does what comes before the password. Its
// errors may be cured by another address, but for an answer about the user.
func (b *backend) begin(ctx context.Context, target route.Target) error {
	if err := b.allow(ctx, b.limits.Greeting); err != nil {
		return broken(ctx, "backend_greeting", err)
	}
	greeting, err := b.reply()
	switch {
	case err != nil:
		return broken(ctx, "backend_greeting", err)
	case !greeting.OK:
		return tryElsewhere("backend_greeting", errors.New("greeted with -ERR"))
	}
	if err := b.allow(ctx, b.limits.BackendLogin); err != nil {
		return broken(ctx, "backend_login", err)
	}
	switch {
	case target.Backend.Auth == route.AuthPlain:
		return b.beginPlain(ctx)
	case pipelines(target.Backend):
		// USER goes out together with PASS.
		return nil
	}
	return b.user(ctx, target)
}

// user sends USER and takes the answer.
func (b *backend) user(ctx context.Context, target route.Target) error {
	b.trail.note("USER goes to the backend")
	if err := b.send(pop3.User(target.Login)); err != nil {
		return broken(ctx, "backend_login", err)
	}
	reply, err := b.reply()
	if err != nil {
		return broken(ctx, "backend_login", err)
	}
	return userRefused(reply)
}

// beginPlain starts the PLAIN exchange without an initial response, as servers
// that know RFC 1734 only expect it. Refused, it is an operator's matter:
// nothing of the user has been said yet.
func (b *backend) beginPlain(ctx context.Context) error {
	if err := b.send(pop3.AuthPlain()); err != nil {
		return broken(ctx, "backend_login", err)
	}
	line, err := b.line()
	if err != nil {
		return broken(ctx, "backend_login", err)
	}
	if line[0] == '+' && (len(line) == 1 || line[1] == ' ') {
		return nil
	}
	reply, err := pop3.ParseReply(line)
	switch {
	case err != nil || reply.OK:
		return tryElsewhere("backend_protocol", pop3.ErrReply)
	case reply.Code == "SYS/TEMP":
		return tryElsewhere("backend_temporary", nil)
	}
	return fail(causeMisconfigured, "backend_no_plain", errors.New("the backend refuses AUTH PLAIN"))
}

// signIn sends the password and takes the answer. From here on there is no
// other address and no second try.
func (b *backend) signIn(ctx context.Context, target route.Target, password pop3.Password) error {
	err := b.sendPassword(target, password)
	if err != nil {
		return after(broken(ctx, "backend_login", err))
	}
	if target.Backend.Auth == route.AuthUser && pipelines(target.Backend) {
		reply, err := b.reply()
		if err != nil {
			return after(broken(ctx, "backend_login", err))
		}
		if err := userRefused(reply); err != nil {
			return err
		}
	}
	line, err := b.line()
	if err != nil {
		return after(broken(ctx, "backend_login", err))
	}
	reply, err := pop3.ParseReply(line)
	if err != nil {
		return after(broken(ctx, "backend_login", err))
	}
	b.answered = true
	if !reply.OK {
		return passRefused(reply, target.Backend)
	}
	b.ok = slices.Clone(line)
	return nil
}

// sendPassword sends what signIn is to send, in one write.
func (b *backend) sendPassword(target route.Target, password pop3.Password) error {
	b.trail.note("the password goes to the backend")
	switch {
	case target.Backend.Auth == route.AuthPlain:
		return b.send(pop3.PlainResponse(target.Login, password))
	case pipelines(target.Backend):
		return b.sendAll(pop3.User(target.Login), pop3.Pass(password))
	}
	return b.send(pop3.Pass(password))
}

// pipelines reports whether a backend takes several commands at once.
func pipelines(backend *route.Backend) bool {
	return slices.Contains(backend.Capabilities, "PIPELINING")
}

// welcome is what the client is told after login: the backend's own words, or
// ours where those must not be passed on.
func (b *backend) welcome() string {
	if !pop3.Presentable(b.ok) {
		return replyLogin + "\r\n"
	}
	return string(b.ok) + "\r\n"
}

// errTooEarly is a backend that answers what it was not asked yet.
var errTooEarly = errors.New("the backend spoke before it was asked")

func (b *backend) send(request pop3.Request) error { return b.sendAll(request) }

// sendAll writes requests, unless the backend has said more than it should.
func (b *backend) sendAll(requests ...pop3.Request) error {
	if len(b.lines.Buffered()) > 0 {
		return errTooEarly
	}
	return pop3.Send(b.conn, requests...)
}

// line reads one line, which is not empty.
func (b *backend) line() ([]byte, error) {
	line, err := b.lines.ReadReply()
	if err != nil {
		return nil, err
	}
	b.trail.heard(line)
	if len(line) == 0 {
		return nil, pop3.ErrReply
	}
	return line, nil
}

// reply reads a status line.
func (b *backend) reply() (pop3.Reply, error) {
	line, err := b.line()
	if err != nil {
		return pop3.Reply{}, err
	}
	return pop3.ParseReply(line)
}

// broken sorts what went wrong with a backend. Only the last of these is
// about what the client sent.
func broken(ctx context.Context, step string, err error) *failure {
	var timeout net.Error
	switch {
	case ctx.Err() != nil:
		return calledOff(ctx)
	case errors.Is(err, pop3.ErrRequest):
		return fail(causeAuth, "unfit_for_backend", err)
	case errors.As(err, &timeout) && timeout.Timeout():
		return tryElsewhere(step+"_timeout", err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return tryElsewhere(step+"_closed", err)
	case errors.Is(err, pop3.ErrReply), errors.Is(err, pop3.ErrTooLong), errors.Is(err, errTooEarly):
		return tryElsewhere("backend_protocol", err)
	}
	return tryElsewhere(step, err)
}

// after makes a failure final: the password is out.
func after(f *failure) *failure {
	f.elsewhere = false
	return f
}
