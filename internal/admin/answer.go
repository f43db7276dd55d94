package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"
)

// guard is around every request: it refuses what no call may see, and survives
// what a call may do.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shield(w.Header())
		defer func() {
			if cause := recover(); cause != nil {
				s.log.Error("panic in an admin call", "panic", quoted(fmt.Sprint(cause)), "stack", string(debug.Stack()))
				s.fail(w, asError(r.Context(), errPanic))
			}
		}()
		switch {
		case s.ending.Err() != nil:
			s.fail(w, asError(r.Context(), ErrShuttingDown))
		case roundabout(r):
			s.notFound(w, r)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// shield keeps an answer out of caches, and out of pages of others; as a page it can
// do nothing.
func shield(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// errPanic is a call that broke off.
var errPanic = errors.New("panic")

// run answers a request with a call.
func (s *Server) run(w http.ResponseWriter, r *http.Request, c call) {
	who, refused := s.admit(r, c.need)
	if refused != nil {
		s.turnAway(w, r, c, refused)
		return
	}
	if err := c.receive(w, r); err != nil {
		s.fail(w, err)
		return
	}
	about := new(details)
	ctx := context.WithValue(context.WithValue(r.Context(), asAsker{}, who), aboutCall{}, about)
	ctx, cancel := context.WithTimeout(ctx, c.limit)
	defer cancel()
	began := time.Now()
	err := s.perform(w, r.WithContext(ctx), c)
	if err == nil {
		s.note(r, c, about, "ok", began)
		return
	}
	var told told
	if errors.As(err, &told) {
		s.note(r, c, about, told.code, began)
		return
	}
	failed := asError(ctx, err)
	if failed.Code == CodeInternal {
		s.log.Error("admin call failed", "call", c.name, "error", quoted(err.Error()))
	}
	s.note(r, c, about, failed.Code, began)
	s.fail(w, failed)
}

// told is an error that stands in the answer already.
type told struct{ code string }

func (t told) Error() string { return t.code }

// perform makes the call, and sends the answer if it has none of its own.
func (s *Server) perform(w http.ResponseWriter, r *http.Request, c call) error {
	if c.serve != nil {
		return c.serve(w, r)
	}
	value, err := c.answer(r)
	return s.reply(w, value, err)
}

// reply sends what a call has returned, unless that is an error.
func (s *Server) reply(w http.ResponseWriter, value any, err error) error {
	body, err := encode(value, err)
	if err == nil {
		s.send(w, http.StatusOK, body)
	}
	return err
}

// turnAway answers whoever may not make a call. It is logged: somebody may be
// trying tokens.
func (s *Server) turnAway(w http.ResponseWriter, r *http.Request, c call, refused *Error) {
	s.refused(refused.Code)
	if more, tell := s.tries.note(r.RemoteAddr, c.name, time.Now()); tell {
		args := []any{"call", c.name, "client", r.RemoteAddr, "reason", refused.Code}
		if more > 0 {
			args = append(args, "more", more)
		}
		s.log.Info("admin call refused", args...)
	}
	// The next try takes another connection, and leaves a place to others.
	w.Header().Set("Connection", "close")
	if refused.Code == CodeUnauthorized {
		// Browsers ask for Basic only; its user name is not looked at.
		w.Header().Set("WWW-Authenticate", `Basic realm="popgate: any name, and the token", charset="UTF-8"`)
	}
	s.fail(w, refused)
}

// receive reads the request's body. Most calls take none, and whoever sends them
// one means something that would not happen.
func (c call) receive(w http.ResponseWriter, r *http.Request) *Error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return &Error{Code: CodeTooLarge, Message: fmt.Sprintf("a body can have %d octets", tooLarge.Limit)}
	case err != nil:
		return badRequest("the body did not come whole")
	case len(body) > 0 && !c.body:
		return badRequest("this call takes no body")
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

// details are what a call's body has said that belongs into the log: keys and
// values.
type details []any

// aboutCall is the key of a request's details.
type aboutCall struct{}

// mention adds to what is logged of a call. The value comes from a stranger.
func mention(ctx context.Context, key, value string) {
	if about, ok := ctx.Value(aboutCall{}).(*details); ok {
		*about = append(*about, key, quoted(value))
	}
}

// note logs a call that changes something.
func (s *Server) note(r *http.Request, c call, about *details, result string, began time.Time) {
	if !c.changes {
		return
	}
	args := []any{"call", c.name}
	if c.subject != "" {
		args = append(args, c.subject, quoted(r.PathValue(c.subject)))
	}
	if query := r.URL.Query(); c.query != "" && query.Has(c.query) {
		args = append(args, c.query, quoted(query.Get(c.query)))
	}
	args = append(args, *about...)
	s.log.Info("admin call", append(args, "result", result, "duration", time.Since(began).Round(time.Millisecond).String())...)
}

// encode makes the body of what a call returned. It is read as what it says it
// is, so that "<" needs no escape, which would make six octets of one.
func encode(value any, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	return bytes.TrimSuffix(body.Bytes(), []byte("\n")), nil
}

// fail answers with an error.
func (s *Server) fail(w http.ResponseWriter, failed *Error) {
	body, err := encode(errorAnswer{failed}, nil)
	if err != nil {
		s.log.Error("admin call failed", "error", err) // can't be: it is made of texts
	}
	if failed.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(failed.RetryAfter))
	}
	s.send(w, statuses[failed.Code], body)
}

// send sends an answer in JSON.
func (s *Server) send(w http.ResponseWriter, status int, body []byte) {
	s.deliver(w, status, contentType, append(body, '\n'))
}

// deliver sends an answer. The time for it begins now, and not with the request.
func (s *Server) deliver(w http.ResponseWriter, status int, kind string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(sendTime))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

const contentType = "application/json; charset=utf-8"
