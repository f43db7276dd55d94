package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"popgate/internal/metrics"
)

// refuse tells the client what an error means for it, and reports whether it
// may go on.
func (s *session) refuse(ctx context.Context, err error) (again bool) {
	f := asFailure(err)
	if !s.asked.IsZero() {
		s.endAttempt(ctx, f)
	}
	if ctx.Err() != nil && f.cause != causeSilent {
		f = calledOff(ctx)
	}
	v := verdicts[f.cause]
	if v.counts {
		s.attempts++
	}
	again = v.stays && !(v.counts && s.attempts >= s.listener.loginAttempts(s.set))
	if v.reply != "" && s.client.say(v.reply) != nil {
		again = false
	}
	if s.srv.log.IsDebug() {
		s.debug("refused", "reason", f.reason, "error", f.detail(), "again", again)
	}
	if !again {
		s.rec.ended(f.reason)
	}
	return again
}

// endAttempt ends a login attempt: it gives back what the attempt held and
// waits until failure_delay is over, whatever the cause, so that the time of a
// refusal tells a guesser nothing.
func (s *session) endAttempt(ctx context.Context, f *failure) {
	s.rec.failed(f.reason)
	result := loginError
	if f.cause == causeAuth {
		result = loginRefused
	}
	s.srv.metrics.Login(metrics.Login{Mechanism: s.rec.Mechanism, Result: result, Reason: f.reason, Took: time.Since(s.asked)})
	s.report(ctx, result, f.reason)
	s.holds.endAttempt()
	wait := time.NewTimer(time.Until(s.asked.Add(s.set.Timeouts.FailureDelay)))
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
	}
	s.asked = time.Time{}
}

// asFailure makes a failure of what reading from or writing to a client, or a
// bug, may return.
func asFailure(err error) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	var timeout net.Error
	switch {
	case errors.Is(err, io.EOF):
		return silent("client_closed", nil)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return silent("unfinished_line", nil)
	case errors.As(err, &timeout) && timeout.Timeout():
		return silent("client_timeout", nil)
	}
	return silent("client_lost", err)
}

// detail is an error's text for a log, bounded and quoted. It may name the user:
// it is for level debug.
func (f *failure) detail() string {
	if f.err == nil {
		return ""
	}
	return foreign(f.err.Error())
}
