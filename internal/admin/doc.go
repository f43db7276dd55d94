// Package admin is how operators ask a running popgate: HTTP over a unix socket
// and, where that is wanted, TCP. It holds both ends, so that they can't differ:
// the [Server] in the running process, its status page among it, and the [Client]
// in the commands.
//
// It knows the calls, their texts on the wire and who may make them. It must
// not know how certificates are kept or ordered, how logins are decided, nor what
// a session does: it is given interfaces of its own, [Certificates], [Logins],
// [Sessions], [Backends] and [Process], which the program fills.
//
// Who may call over the socket is decided by its mode, 0600, which [Listen] sees
// to: the user that popgate runs as, and root. The kernel checks that at connect,
// so that asking it for the peer's user id (SO_PEERCRED) would say the same
// again, and refuse root in containers with user namespaces. Over TCP it is
// [Access] that decides.
//
// Start with calls.go: its table is the whole API.
package admin
