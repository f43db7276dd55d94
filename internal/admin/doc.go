// Package admin is how operators' commands speak with a running popgate: HTTP
// and JSON over a unix socket. It holds both ends, so that they can't differ:
// the [Server] in the running process and the [Client] in the commands.
//
// It knows the calls, their texts on the wire and who may make them. It must
// not know how certificates are kept or ordered, nor how logins are decided: it
// is given interfaces of its own, [Certificates] and [Logins], which the program
// fills.
//
// Who may call is decided by the socket's mode, 0600, which [Listen] sees to:
// the user that popgate runs as, and root. The kernel checks that at connect,
// so that asking it for the peer's user id (SO_PEERCRED) would say the same
// again, and refuse root in containers with user namespaces.
//
// Start with calls.go: its table is the whole API.
package admin
