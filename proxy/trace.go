package proxy

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"time"
)

// TraceEvent is one line of a session that somebody traces. No secret and no mail
// is in it, however a client or a backend goes about it.
type TraceEvent struct {
	Time time.Time
	// Session is the session's id, as in the log.
	Session string
	// From says whose words they are: "client", "popgate", "backend", or
	// "note", which is what popgate does in between.
	From string
	// Text is printable, on one line, and has at most 500 octets.
	Text string
}

// ErrTooManyTraces is that 8 traces are under way.
var ErrTooManyTraces = errors.New("too many traces at once")

// TraceOptions say whose next session [Server.Trace] follows.
type TraceOptions struct {
	// User is the name as a client types it, or its canonical form, in any
	// ASCII case.
	User string
	// From is where the client is, behind a PROXY header too. The zero value is
	// anywhere: any stranger's session that tries the name may be the next one.
	From netip.Prefix
}

// Trace follows the next session of a user from its first octet on, and gives each
// event to each as it happens, until that session ends, ctx ends, or each returns
// an error; it returns nil, or the error of ctx or of each. The last event tells how
// the session has ended. Also after 10,000 events it returns nil.
//
// The next session is the first one to begin from now on, and after its PROXY
// header, in which a client names the user. Other sessions of the user aren't
// followed. If it ends, or somebody else logs in, before there were credentials for
// that name, an event without a session tells so, and the trace waits for the one
// after it. A session in which somebody else logs in is followed no further.
//
// The session waits neither for each nor for anything else here: if each is slow,
// events are left out, and an event tells how many.
func (s *Server) Trace(ctx context.Context, opts TraceOptions, each func(TraceEvent) error) error {
	t := s.traces.begin(opts)
	if t == nil {
		return ErrTooManyTraces
	}
	// Deliberate: at level warn, though nothing is wrong. Whoever looks into
	// people's sessions leaves a line in any log but one of errors only.
	s.log.Warn("trace begins", opts.args()...)
	defer func() {
		s.traces.end(t)
		args := opts.args()
		if id := t.followed(); id != "" {
			args = append(args, "session", id)
		}
		s.log.Warn("trace ends", args...)
	}()
	for {
		e, err := t.next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = each(e)
		}
		if err != nil {
			return err
		}
	}
}

// args are those of a log line.
func (o TraceOptions) args() []any {
	args := []any{"user", foreign(o.User)}
	if o.From.IsValid() {
		args = append(args, "networks", o.From.String())
	}
	return args
}

// takes reports whether a client at addr may be the one.
func (o TraceOptions) takes(addr netip.Addr) bool {
	return !o.From.IsValid() || o.From.Contains(addr.Unmap().WithZone(""))
}
