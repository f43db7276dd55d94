package relay

import "bytes"

// gateSize is the longest line that the gate holds back until it is whole.
const gateSize = 512

// gate lets a client's bytes through in whole lines. What follows the last LF
// waits; a line over 512 octets is passed on as it comes, since no server takes
// its end for a QUIT. One that begins like a QUIT counts as one: a server that
// cuts it may take it so. The zero value is ready.
type gate struct {
	buf  [gateSize]byte
	n    int  // buf[:n] was read and not let through
	out  int  // buf[:out] was given by ready and waits for clear
	long bool // the beginning of the current line has been let through
	quit bool // and it looks like a QUIT
}

// room is where the next bytes are to be read; it is never empty after
// ready and clear.
func (g *gate) room() []byte { return g.buf[g.n:] }

// add tells that n bytes were put into room.
func (g *gate) add(n int) { g.n += n }

// ready returns the bytes that may go on, and whether a QUIT line is among
// them and is the last of them. Call clear once they are gone.
func (g *gate) ready() (out []byte, quit, last bool) {
	wasLong := g.long
	switch end := bytes.LastIndexByte(g.buf[:g.n], '\n'); {
	case end >= 0:
		g.out, g.long = end+1, false
	case g.long || g.n == gateSize:
		g.out, g.long = g.n, g.n > 0 || g.long
	default:
		g.out = 0
	}
	out = g.buf[:g.out]
	quit, last = findQuit(out, wasLong, g.quit)
	if g.long && !wasLong {
		g.quit = isQuit(out)
	}
	return out, quit, last
}

// clear forgets what ready returned.
func (g *gate) clear() {
	copy(g.buf[:], g.buf[g.out:g.n])
	g.n -= g.out
	g.out = 0
}

// unfinished reports whether the stream stands inside a line, and whether a
// part of that line is let through already.
func (g *gate) unfinished() (inLine, sent bool) { return g.n > 0 || g.long, g.long }

// findQuit reports whether one of the lines in b is a QUIT, and whether the
// last one is. The first line is the rest of a longer one if cont is set, which
// contQuit speaks of. It errs on the side of yes (`QUIT ` with an argument): a QUIT only ever
// makes the relay more patient.
func findQuit(b []byte, cont, contQuit bool) (quit, last bool) {
	for len(b) > 0 {
		line, rest, whole := bytes.Cut(b, []byte{'\n'})
		if cont {
			last = whole && contQuit
		} else {
			last = whole && isQuit(line)
		}
		quit = quit || last
		b, cont = rest, false
	}
	return quit, last
}

// isQuit reports whether line, without its LF, is a QUIT command: the keyword
// in any ASCII case (RFC 1939 §3), alone or before a blank or CR.
func isQuit(line []byte) bool {
	if len(line) < 4 {
		return false
	}
	for i, want := range [4]byte{'q', 'u', 'i', 't'} {
		if line[i]|0x20 != want {
			return false
		}
	}
	return len(line) == 4 || line[4] == '\r' || line[4] == ' ' || line[4] == '\t'
}
