// Package proxy accepts mail clients, talks POP3 with them until they have
// logged in, logs in to the backend for them, hands both connections to the
// relay, and accounts for the session.
//
// It knows the order of a session and what a client is told. It must not know
// where certificates come from (package tlsconf), how names map to backends
// (internal/route), what a limit counts (package authz), or the words of the
// configuration: it is given [Settings].
//
// Start with session.go: one session is one straight line there. [Server] is
// what the program holds.
package proxy
