package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"time"
	"unicode/utf8"
)

// TraceEvent is one thing that a traced session said, or popgate did for it.
type TraceEvent struct {
	Time    time.Time `json:"time"`
	Session string    `json:"session,omitempty"`
	From    string    `json:"from"` // "client", "popgate", "backend", or "note": what popgate has to say of it
	Text    string    `json:"text"` // one line, credentials masked
}

// Printable returns e with its text made fit for a terminal.
func (e TraceEvent) Printable() TraceEvent {
	e.Text = printable(e.Text)
	return e
}

// TraceOptions say whose next session is traced.
type TraceOptions struct {
	User string       // the canonical name, or as it is typed
	From netip.Prefix // where the client is; zero: anywhere
}

// traceWish says whose next session is to be traced, and how long to wait for its
// end.
type traceWish struct {
	User string `json:"user"`
	From string `json:"from,omitempty"` // the client's address or network; "": anywhere
	For  string `json:"for,omitempty"`  // such as "10m"; "": traceTime
}

// How long a trace may take, from the call to the end of the session.
const (
	minTraceTime = time.Second
	traceTime    = 10 * time.Minute
	maxTraceTime = 12 * time.Hour
)

// options checks whose session it is.
func (w traceWish) options() (opts TraceOptions, err error) {
	switch {
	case w.User == "":
		return opts, errors.New("user is missing")
	case len(w.User) > maxUser || !utf8.ValidString(w.User):
		return opts, errors.New("user is a name that nobody can have")
	}
	opts.User = w.User
	opts.From, err = ParseFrom(w.From)
	return opts, err
}

// ParseFrom reads where clients are: an address, a network, or "" for anywhere, which
// is the zero Prefix.
func ParseFrom(text string) (netip.Prefix, error) {
	if text == "" {
		return netip.Prefix{}, nil
	}
	if addr, err := netip.ParseAddr(text); err == nil {
		addr = addr.Unmap().WithZone("")
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	if err != nil || network.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("%q is neither an address nor a network", brief(text))
	}
	return network.Masked(), nil
}

// limit checks the time.
func (w traceWish) limit() (time.Duration, error) {
	if w.For == "" {
		return traceTime, nil
	}
	d, err := time.ParseDuration(w.For)
	if err != nil || d < minTraceTime || d > maxTraceTime {
		return 0, errors.New("for is a time from 1s to 12h, such as 10m")
	}
	return d, nil
}

// traceLine is one line of a trace's answer: an event, or why it ended.
type traceLine struct {
	*TraceEvent
	Error *Error `json:"error,omitempty"`
}

// traceUser answers with a line of JSON for each event, as it happens.
func (s *Server) traceUser(w http.ResponseWriter, r *http.Request) error {
	var wish traceWish
	if err := readBody(r, &wish); err != nil {
		return badRequest("%v", err)
	}
	opts, err := wish.options()
	if err != nil {
		return badRequest("%v", err)
	}
	limit, err := wish.limit()
	if err != nil {
		return badRequest("%v", err)
	}
	ctx, cancel := context.WithTimeout(r.Context(), limit)
	defer cancel()
	// It may take longer than a connection has for a request.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	var out *lineWriter // nil: nothing has been sent
	err = s.sessions.Trace(ctx, opts, func(e TraceEvent) error {
		if out == nil {
			out = newLineWriter(w)
		}
		e = e.Printable()
		return out.write(traceLine{TraceEvent: &e})
	})
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) && ended(ctx, err) {
		err = &Error{Code: CodeTimeout, Message: "the time for this trace is over"}
	}
	switch {
	case err == nil && out == nil:
		newLineWriter(w) // a session that said nothing
		return nil
	case err == nil:
		return nil
	case out == nil:
		return err
	case out.err != nil:
		return told{CodeAbandoned}
	}
	// What has begun can't be answered with a status any more.
	failed := asError(ctx, err)
	_ = out.write(traceLine{Error: failed})
	return told{failed.Code}
}

// lineWriter writes an answer line by line; each is sent at once.
type lineWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	err     error // of writing
}

// newLineWriter begins an answer.
func newLineWriter(w http.ResponseWriter) *lineWriter {
	l := &lineWriter{w: w, control: http.NewResponseController(w)}
	w.Header().Set("Content-Type", "application/x-ndjson; charset=utf-8")
	_ = l.control.SetWriteDeadline(time.Now().Add(sendTime))
	w.WriteHeader(http.StatusOK)
	l.err = l.control.Flush()
	return l
}

func (l *lineWriter) write(line traceLine) error {
	body, err := encode(line, nil)
	if err != nil {
		return err
	}
	_ = l.control.SetWriteDeadline(time.Now().Add(sendTime))
	if _, err = l.w.Write(append(body, '\n')); err == nil {
		err = l.control.Flush()
	}
	l.err = err
	return err
}

// Trace calls each for what a user's next session says, until that session,
// limit or ctx ends, or each fails. 0 is ten minutes.
func (c *Client) Trace(ctx context.Context, opts TraceOptions, limit time.Duration, each func(TraceEvent) error) error {
	wish := traceWish{User: opts.User}
	if opts.From.IsValid() {
		wish.From = opts.From.String()
	}
	if limit != 0 {
		wish.For = limit.String()
	}
	if limit == 0 {
		limit = traceTime
	}
	ctx, cancel := context.WithTimeout(ctx, limit+quickLimit)
	defer cancel()
	return c.stream(ctx, "/v1/trace", wish, func(decoder *json.Decoder) error {
		for {
			var line traceLine
			switch err := decoder.Decode(&line); {
			case errors.Is(err, io.EOF):
				return nil
			case err != nil:
				return fmt.Errorf("%w: %w", errAnswer, err)
			case line.Error != nil:
				return line.Error.printable()
			case line.TraceEvent == nil:
				return errAnswer
			}
			clean(line.TraceEvent)
			if err := each(*line.TraceEvent); err != nil {
				return err
			}
		}
	})
}
