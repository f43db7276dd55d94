// Package authz decides whether this peer, and later this user, may now.
//
// It knows addresses, names, counts and limits. It must not know sockets, the
// POP3 protocol, backends or what a client is told: it answers with a [Lease],
// which is given back when the session ends, or with a [Denial].
//
// Each limit is a [Check] in a file of its own, check_*.go, and one line in
// the table of checks. A session asks the [Guard] three times, knowing more
// each time: at accept, when the client's address is certain, and when a user
// wants to log in.
//
// Start with [Guard].
package authz
