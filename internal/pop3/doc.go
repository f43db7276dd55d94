// Package pop3 is the wire of RFC 1939: lines, commands, replies, response
// codes and SASL payloads, as seen by a server and by a client.
//
// It knows bytes and syntax only. It must not know who may log in, where a
// user's maildrop lives, how long anybody may take, or what a client is told:
// that is policy, and belongs to package proxy and the packages beside it.
//
// Everything here is strict where a stranger speaks (exactly one space, CRLF,
// ASCII-only keyword folding, bounded lines) and lenient where an old backend
// answers (bare LF, odd texts). The Go library's line readers are avoided on
// purpose: textproto.Reader and bufio.Scanner hand out an unterminated last
// line as if it were whole, so that a `QUIT` cut off by a lost connection
// would commit deletions that the client never asked for.
//
// Start with [Reader], then [ParseCommand] and [ParseReply].
package pop3
