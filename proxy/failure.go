package proxy

import "fmt"

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

// silent is a failure without a reply.
func silent(reason string, err error) *failure { return fail(causeSilent, reason, err) }

// tryElsewhere is trouble of one address of a backend.
func tryElsewhere(reason string, err error) *failure {
	return &failure{cause: causeTemporary, reason: reason, err: err, elsewhere: true}
}
