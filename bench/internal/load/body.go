package load

import "bytes"

// terminator ends a multi-line reply.
//
// RFC 1939 §3: the final line is a termination octet "." and a CRLF pair; the
// CRLF before it ends the line above, which may be the status line.
var terminator = []byte("\r\n.\r\n")

// body finds the end of a multi-line reply in a stream that comes in pieces
// of any size. The zero value stands right behind the status line.
type body struct {
	tail    [4]byte // the last octets seen, as many as a terminator may have left behind
	kept    int
	started bool
}

// feed takes the next piece and reports how many of its octets belong to the
// reply, the terminator's among them, and whether the reply ends there.
func (b *body) feed(piece []byte) (n int, done bool) {
	if !b.started {
		b.started = true
		b.keep([]byte("\r\n")) // the status line's own
	}
	// The terminator may have begun in earlier pieces: look at the seam first.
	var seam [8]byte
	head := copy(seam[:], b.tail[:b.kept])
	length := head + copy(seam[head:], piece[:min(len(piece), len(terminator)-1)])
	if at := bytes.Index(seam[:length], terminator); at >= 0 {
		return at + len(terminator) - head, true
	}
	if at := bytes.Index(piece, terminator); at >= 0 {
		return at + len(terminator), true
	}
	b.keep(piece)
	return len(piece), false
}

// keep remembers the end of what has been seen.
func (b *body) keep(piece []byte) {
	if len(piece) >= len(b.tail) {
		b.kept = copy(b.tail[:], piece[len(piece)-len(b.tail):])
		return
	}
	drop := max(0, b.kept+len(piece)-len(b.tail))
	b.kept = copy(b.tail[:], b.tail[drop:b.kept])
	b.kept += copy(b.tail[b.kept:], piece)
}
