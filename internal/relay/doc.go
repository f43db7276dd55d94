// Package relay moves the bytes of a session once the login is done, and ends
// the session when it must end.
//
// It knows buffers, half-close, silence, and one fact of POP3: whether a QUIT
// line has gone to the backend. It must not know who logged in, how, or why
// the session is allowed. It adds, drops and changes no byte, with one
// exception that mail safety demands: client → backend moves whole lines, and
// an unterminated tail at the end of the stream is dropped, because old
// servers take `QUIT` + FIN for a QUIT.
//
// With Options.ReadOnly it knows two facts more: which commands change nothing,
// and where an answer ends. The others never reach the backend. Each line is
// owed one answer; filter notes in owed from whom, speaker gives them in that
// order, and reply tells it where the backend's end. Commands go on at once, as
// through the opaque relay, so every rule about the end of a session is the
// same; only popgate's own refusals wait for their turn.
//
// With Options.Observer an observer follows both directions, with the same reply
// and owed, and tells of commands and status lines, masked. It has no part in what
// is relayed.
//
// A relay runs on two goroutines of its own, one a direction, and calls back
// when both are gone, so that nothing of the login (a stack grown by the TLS
// handshake above all) lives as long as the session. All state between two
// reads is in [Session], not on a stack: the goroutines can be taken away
// from an idle session and given back.
//
// Start with [Start]; [Conn] goes beneath the client's TLS.
package relay
