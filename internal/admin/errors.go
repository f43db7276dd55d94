package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// The codes of errors. Programs branch on them; the text beside is for people.
const (
	CodeBadRequest       = "bad_request"
	CodeNotFound         = "not_found" // no such call
	CodeMethodNotAllowed = "method_not_allowed"
	CodeTooLarge         = "too_large" // the request
	CodeUnknownHost      = "unknown_host"
	CodeUnknownListener  = "unknown_listener"
	CodeNotAutomatic     = "not_automatic"
	CodePaused           = "paused"
	CodeOrderFailed      = "order_failed"
	CodeShuttingDown     = "shutting_down"
	CodeTimeout          = "timeout"   // the answer took too long; what was begun goes on
	CodeAbandoned        = "abandoned" // the client went away; only logs show it
	CodeInternal         = "internal"
)

// statuses are the codes' HTTP status codes.
var statuses = map[string]int{
	CodeBadRequest:       http.StatusBadRequest,
	CodeNotFound:         http.StatusNotFound,
	CodeMethodNotAllowed: http.StatusMethodNotAllowed,
	CodeTooLarge:         http.StatusRequestEntityTooLarge,
	CodeUnknownHost:      http.StatusNotFound,
	CodeUnknownListener:  http.StatusNotFound,
	CodeNotAutomatic:     http.StatusConflict,
	CodePaused:           http.StatusTooManyRequests,
	CodeOrderFailed:      http.StatusBadGateway,
	CodeShuttingDown:     http.StatusServiceUnavailable,
	CodeTimeout:          http.StatusGatewayTimeout,
	CodeAbandoned:        499, // as nginx has it; nobody is there to read it
	CodeInternal:         http.StatusInternalServerError,
}

// Error is an error as it is on the wire. It is one of [ErrUnknownHost],
// [ErrNotAutomatic], [ErrShuttingDown] and [ErrUnknownListener] for errors.Is.
type Error struct {
	Code       string   `json:"code"`                  // see CodeBadRequest and its neighbours
	Message    string   `json:"message"`               // one line
	Problem    *Problem `json:"problem,omitempty"`     // what the CA said, with CodeOrderFailed
	RetryAfter int      `json:"retry_after,omitempty"` // seconds, with CodePaused; 0: not known
}

func (e *Error) Error() string {
	if e.Message == "" {
		return e.Code
	}
	return e.Message
}

// Is tells which sentinel the code stands for.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrUnknownHost:
		return e.Code == CodeUnknownHost
	case ErrNotAutomatic:
		return e.Code == CodeNotAutomatic
	case ErrShuttingDown:
		return e.Code == CodeShuttingDown
	case ErrUnknownListener:
		return e.Code == CodeUnknownListener
	}
	return false
}

// printable returns e with its texts made fit for a terminal.
func (e *Error) printable() *Error {
	p := *e
	p.Code, p.Message = printable(e.Code), printable(e.Message)
	if e.Problem != nil {
		p.Problem = e.Problem.printable()
	}
	return &p
}

// errorAnswer is the body of an answer that is an error.
type errorAnswer struct {
	Error *Error `json:"error"`
}

// asError makes err fit for the wire. This is the one place that does so. ctx is
// that of the call, which has ended with a cause if the call had to.
func asError(ctx context.Context, err error) *Error {
	var known *Error
	var paused *PausedError
	var order *OrderError
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, ErrUnknownHost):
		return &Error{Code: CodeUnknownHost, Message: ErrUnknownHost.Error()}
	case errors.Is(err, ErrUnknownListener):
		return &Error{Code: CodeUnknownListener, Message: ErrUnknownListener.Error()}
	case errors.Is(err, ErrNotAutomatic):
		return &Error{Code: CodeNotAutomatic, Message: ErrNotAutomatic.Error()}
	case errors.Is(err, ErrShuttingDown), ended(ctx, err) && errors.Is(context.Cause(ctx), ErrShuttingDown):
		return &Error{Code: CodeShuttingDown, Message: ErrShuttingDown.Error()}
	case ended(ctx, err) && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return &Error{Code: CodeTimeout, Message: "this takes longer than expected; it goes on"}
	case ended(ctx, err):
		return &Error{Code: CodeAbandoned, Message: "the client went away"}
	case errors.As(err, &paused):
		return &Error{Code: CodePaused, Message: paused.Error(), RetryAfter: secondsUntil(paused.Until)}
	case errors.As(err, &order):
		return orderFailed(order)
	}
	return &Error{Code: CodeInternal, Message: "popgate met trouble of its own; its log says more"}
}

// ended tells whether err is there because the call's ctx has ended. An order
// may fail because of a time limit of its own: that is another end.
func ended(ctx context.Context, err error) bool {
	return ctx.Err() != nil && errors.Is(err, ctx.Err())
}

func orderFailed(order *OrderError) *Error {
	e := &Error{Code: CodeOrderFailed, Message: order.Error()}
	if order.Type != "" || order.Detail != "" {
		e.Problem = &Problem{Type: order.Type, Detail: order.Detail}
	}
	return e.printable()
}

// secondsUntil is what to wait, rounded up, and at least a second: who comes
// back after it is not told to wait for the rest of one.
func secondsUntil(t time.Time) int {
	if t.IsZero() {
		return 0
	}
	wait := time.Until(t) + time.Second - 1
	return max(1, int(wait/time.Second))
}

// badRequest is a request that can't be meant.
func badRequest(format string, args ...any) *Error {
	return &Error{Code: CodeBadRequest, Message: fmt.Sprintf(format, args...)}
}
