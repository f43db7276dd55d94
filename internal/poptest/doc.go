// Package poptest is what popgate's tests are made with: an in-memory TCP
// ([Pipe], [Listener], [Network]), faults ([SplitEvery], [CutWrite], …), a
// test certificate authority ([CA]), a scripted POP3 server ([Backend]), and
// transcripts of whole sessions ([Load], [Play]).
//
// It knows nothing of popgate and imports nothing of it: what it plays against
// is behind a net.Conn. It is for tests only. Everything works on the real
// clock and in a testing/synctest bubble; Play needs a bubble. Start with
// [Script].
//
// # Transcripts
//
// A transcript is a text file that tells one session, or several, line by
// line, in the order in which things happen. It starts with a comment that
// names the rule it proves and says why:
//
//	# rfc 1939 §3 row 6: a command in the wrong state is refused by the
//	# proxy itself; the backend hears nothing.
//	set listener=implicit
//
//	C: <tls>
//	S: +OK pop.example.com ready
//	C: STAT
//	S: -ERR log in first
//	C: QUIT
//	S: +OK bye
//	S: <eof>
//	P: <none>
//
// Empty lines and lines that start with # mean nothing further down. A line
// `-- name --` starts a session of its own in the same file; what is set
// above the first such line holds for all of them.
//
// # Settings
//
//	set key=value
//
// is handed to the caller as [Script.Settings], who builds the server from
// it. A key may come several times. Settings come before the first step.
//
// # Steps
//
//	C: text   the client sends this line
//	S: text   the client receives exactly this line
//	P: text   the backend receives exactly this line from the proxy
//	B: text   the backend sends this line
//	wait 60s  this much virtual time goes by
//
// One space after the colon belongs to the notation, every further one to
// the line. CRLF is added; a \ at the end of the line leaves it off. Inside,
// \r \n \t \0 \\ and \xNN are single bytes, and \{300:text} is 300 times
// text. An S: or P: line that ends in … is compared up to there, with the
// rest of the received line left open. A text that starts with < is an event
// (below); a line that really starts so is written with \x3c.
//
// Between letter and colon there may be, in this order:
//
//	C2: S2:     the second client; a client connects when it first appears
//	P1: B1:     the first connection to a backend, counted over all backends;
//	            without a number the one that <connect> took last
//	C!: B!:     send at once, whatever else is going on or waits unread
//	C?: B?:     the other side may have closed: failing to send is no failure
//	C* 3: …     the line three times, for C and B in one write
//	S>=3s: …    what came, came not before 3s after this client's last step
//	            (>=, <= or =, so S=0s: is the same instant; P looks at the
//	            last step of any client)
//
// `C| text` and `B| text` join their line to the one above, so that both
// arrive in one segment. All other sends are segments of their own: everything
// else has come to rest before each, but for those with a !.
//
// # Events
//
//	C: <connect>        connect and say nothing
//	C: <tls>            TLS handshake with the stage's configuration, changed by
//	                    name=host, name=- (sends no server name and checks no
//	                    certificate), alpn=a,b, alpn=- (none), min=1.2, max=1.2
//	C: <close_notify>   end the sending direction as TLS does; TCP stays
//	C: <fin>            half-close TCP (without close_notify)
//	C: <rst>            reset; C: <close> closes both directions
//	S: <eof>            an orderly end: FIN, under TLS close_notify before it
//	S: <close_notify>   close_notify, whatever TCP does
//	S: <fin>            FIN, under TLS without close_notify
//	S: <rst>            reset without close_notify
//	S: <closed>         any end
//	S: <alert 120>      the TLS alert of that number, in or after the handshake
//	S: <nothing 5s>     no byte and no end for 5 s; S=5s: may follow
//	S: <pause>          the client stops reading until S: <resume>
//	S: <rest>           whatever comes from now on doesn't matter
//	P: <connect east>   the proxy connects to backend east; without a name to the
//	                    only one there is
//	P: <eof>            the backend's client ended by FIN, without another byte
//	P: <rst>            … by RST; P: <closed> means either
//	P: <nothing 5s>     no byte and no end for 5 s; P: <pause>, <resume> and
//	                    <rest> as for S
//	P: <none>           no connection to any backend was ever made
//	P: <no bytes>       no backend has received a byte; the connections, if any,
//	                    needn't be mentioned
//	B: <fin>            half-close; B: <rst> resets, B: <close> closes
//
// # Order and completeness
//
// Before the first send of a group (successive sends of the same side) nothing
// may wait unread anywhere, on any connection, and no connection to a backend
// may be unmentioned. So a reply that comes before its cause fails the
// script, as does a line that the script forgets. The same holds at the end.
// Then the clients close, and a backend that receives as much as one more byte
// from that fails the script too.
package poptest
