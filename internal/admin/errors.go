package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// The codes of errors. Programs branch on them; the text beside is for people.
const (
	CodeBadRequest       = "bad_request"
	CodeNotFound         = "not_found" // no such call
	CodeMethodNotAllowed = "method_not_allowed"
	CodeTooLarge         = "too_large"    // the request
	CodeUnauthorized     = "unauthorized" // no token, or a wrong one
	CodeForbidden        = "forbidden"    // not that way, whoever it is
	CodeMisdirected      = "misdirected"  // to a name that isn't one of popgate's
	CodeUnknownSession   = "unknown_session"
	CodeUnknownBackend   = "unknown_backend"
	CodeTooManyTraces    = "too_many_traces"
	CodeReloadFailed     = "reload_failed"
	CodeUpgradeFailed    = "upgrade_failed"
	CodeUpgrading        = "upgrading" // an upgrade is under way already
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
	CodeUnauthorized:     http.StatusUnauthorized,
	CodeForbidden:        http.StatusForbidden,
	CodeMisdirected:      http.StatusMisdirectedRequest,
	CodeUnknownHost:      http.StatusNotFound,
	CodeUnknownSession:   http.StatusNotFound,
	CodeUnknownBackend:   http.StatusNotFound,
	CodeTooManyTraces:    http.StatusTooManyRequests,
	CodeReloadFailed:     http.StatusUnprocessableEntity,
	CodeUpgradeFailed:    http.StatusUnprocessableEntity,
	CodeUpgrading:        http.StatusConflict,
	CodeUnknownListener:  http.StatusNotFound,
	CodeNotAutomatic:     http.StatusConflict,
	CodePaused:           http.StatusTooManyRequests,
	CodeOrderFailed:      http.StatusBadGateway,
	CodeShuttingDown:     http.StatusServiceUnavailable,
	CodeTimeout:          http.StatusGatewayTimeout,
	CodeAbandoned:        499, // as nginx has it; nobody is there to read it
	CodeInternal:         http.StatusInternalServerError,
}

// sentinels are the errors of the interfaces that have no more to them than a
// text, by code.
var sentinels = map[string]error{
	CodeUnknownHost:     ErrUnknownHost,
	CodeUnknownListener: ErrUnknownListener,
	CodeUnknownSession:  ErrUnknownSession,
	CodeUnknownBackend:  ErrUnknownBackend,
	CodeNotAutomatic:    ErrNotAutomatic,
	CodeTooManyTraces:   ErrTooManyTraces,
	CodeShuttingDown:    ErrShuttingDown,
	CodeUpgrading:       ErrUpgrading,
}

// Error is an error as it is on the wire. For errors.Is it is the one of
// sentinels that its code stands for.
type Error struct {
	Code       string   `json:"code"`                  // see CodeBadRequest and its neighbours
	Message    string   `json:"message"`               // one line
	Problem    *Problem `json:"problem,omitempty"`     // what the CA said, with CodeOrderFailed
	Problems   []string `json:"problems,omitempty"`    // one line each, with CodeReloadFailed
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
	for code, sentinel := range sentinels {
		if target == sentinel {
			return e.Code == code
		}
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
	p.Problems = slices.Clone(e.Problems)
	for i := range p.Problems {
		makePrintable(&p.Problems[i])
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
	var reload *ReloadError
	var upgrade *UpgradeError
	for code, sentinel := range sentinels {
		if errors.Is(err, sentinel) {
			return &Error{Code: code, Message: sentinel.Error()}
		}
	}
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &reload):
		return (&Error{Code: CodeReloadFailed, Message: "the old configuration stays", Problems: reload.Problems}).printable()
	case errors.As(err, &upgrade):
		return (&Error{Code: CodeUpgradeFailed, Message: upgrade.Error()}).printable()
	case ended(ctx, err) && errors.Is(context.Cause(ctx), ErrShuttingDown):
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
