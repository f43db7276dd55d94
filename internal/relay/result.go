package relay

// Result is what a relay did.
type Result struct {
	// FromClient and FromBackend count octets, without TLS.
	FromClient, FromBackend int64
	// End is why the session ended.
	End End
	// Quit is true if a QUIT line went to the backend.
	Quit bool
	// Err is set with EndFault only: a bug of popgate, with its stack.
	Err error
}

// End is why a session ended.
type End int32

// The ends of a session after login.
const (
	EndUnknown       End = iota
	EndQuit              // QUIT was sent and the backend closed
	EndBackendClosed     // the backend closed without a QUIT
	EndBackendLost       // the connection to the backend broke
	EndProtocol          // a refusal has no place among what the backend says; read-only sessions
	EndClientClosed      // the client ended its stream without a QUIT
	EndClientLost        // the connection to the client broke
	EndUnfinished        // the client's stream ended inside a line
	EndIdle              // both sides were silent for too long
	EndQuitTimeout       // the backend did not answer QUIT
	EndHalfClosed        // the backend did not end after the client had
	EndDrained           // popgate is going away
	EndFault             // a bug of popgate
)

var endNames = [...]string{
	EndUnknown: "unknown", EndQuit: "quit", EndBackendClosed: "backend_closed",
	EndBackendLost: "backend_lost", EndProtocol: "backend_protocol", EndClientClosed: "client_closed", EndClientLost: "client_lost",
	EndUnfinished: "unfinished_line", EndIdle: "idle", EndQuitTimeout: "quit_timeout",
	EndHalfClosed: "half_closed_timeout", EndDrained: "drained", EndFault: "fault",
}

// String returns the word that logs and metrics use.
func (e End) String() string { return endNames[e] }

// orderly reports whether the client may be told that this is the end of the
// stream, and not a piece missing from it.
func (e End) orderly() bool {
	switch e {
	case EndIdle, EndQuitTimeout, EndHalfClosed, EndDrained:
		return true
	}
	return false
}
