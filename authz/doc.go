// Package authz decides whether this peer, and later this user, may now.
//
// It knows addresses, names, counts and limits. It must not know sockets, the
// POP3 protocol, backends or what a client is told: it answers with a [Lease],
// which is given back when the session ends, or with a [Denial].
//
// Each limit is a [Check] in a file of its own, check_*.go, and one line in
// the table of checks. A session asks the [Guard] four times, knowing more
// each time: at accept, when the client's address is certain, when a user wants
// to log in, and when the backend has taken the password. In between it asks for
// the policies, and at the end it reports what became of the login; until then
// others may have to wait.
//
// Start with [Guard].
package authz
