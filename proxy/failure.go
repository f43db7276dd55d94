package proxy

import (
	"context"
	"errors"
	"fmt"
)

// cause is what a client is told, one row of the table in reply.go. Many
// reasons share a cause: what a guesser could learn from must look alike.
type cause int

const (
	causeSilent        cause = iota // nothing to say, or nobody to say it to
	causeForeign                    // another protocol's first line
	causeTooLong                    // a line over its limit
	causeTooMany                    // too many commands before login
	causeAuth                       // not with this name and password, or not from there, or not now
	causeInUse                      // the maildrop is locked
	causeLoginDelay                 // the backend wants this user to wait
	causeTemporary                  // a backend can't, for now
	causePermanent                  // a backend says that it never will
	causeCapacity                   // no room here or at the backend
	causeMisconfigured              // an operator must act
	causeDraining                   // popgate is going away
	causeKicked                     // an operator has ended the session
)

// failure is why a session, or a login attempt of it, ends.
type failure struct {
	cause cause
	// reason is a constant word for logs and metrics: snake_case.
	reason string
	// err has details for logs; it never reaches a client.
	err error
	// elsewhere: another address of the backend may do better.
	elsewhere bool
}

// Error is for logs.
func (f *failure) Error() string {
	if f.err == nil {
		return f.reason
	}
	return fmt.Sprintf("%s: %v", f.reason, f.err)
}

// Unwrap gives the details.
func (f *failure) Unwrap() error { return f.err }

func fail(cause cause, reason string, err error) *failure {
	return &failure{cause: cause, reason: reason, err: err}
}

// errKicked is why the context of a session ended that an operator has kicked.
var errKicked = errors.New("kicked")

// calledOff is why a session ends whose context has.
func calledOff(ctx context.Context) *failure {
	if errors.Is(context.Cause(ctx), errKicked) {
		return fail(causeKicked, "kicked", nil)
	}
	return fail(causeDraining, "draining", nil)
}

// quiet makes a failure one without a reply: there is no way to send one yet.
func (f *failure) quiet() *failure {
	f.cause = causeSilent
	return f
}

// silent is a failure without a reply.
func silent(reason string, err error) *failure { return fail(causeSilent, reason, err) }

// tryElsewhere is trouble of one address of a backend.
func tryElsewhere(reason string, err error) *failure {
	return &failure{cause: causeTemporary, reason: reason, err: err, elsewhere: true}
}
