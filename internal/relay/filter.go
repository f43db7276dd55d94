package relay

import "bytes"

// filter is the gate of a read-only session: it lets whole lines through, and
// of these only the allowed commands. What each line is owed is noted before
// the line goes. A line over 512 octets is dropped as it comes.
type filter struct {
	gate *gate // its buffer only
	owed *owed
	long bool // the beginning of the current line has been dropped
}

// room may wait, until the backend has answered some of many commands. Every
// octet that is read ends one line at the most.
func (f *filter) room() []byte {
	lines := f.owed.room()
	b := f.gate.room()
	return b[:min(len(b), lines)]
}

func (f *filter) add(n int) { f.gate.add(n) }

// ready moves the allowed lines together, and the tail behind them.
func (f *filter) ready() (out []byte, quit, last bool) {
	g := f.gate
	rest := g.buf[:g.n]
	for {
		end := bytes.IndexByte(rest, '\n') + 1
		if end == 0 {
			break
		}
		line := rest[:end]
		rest = rest[end:]
		verdict := tooLong
		if !f.long {
			verdict = judge(line)
		}
		f.long = false
		f.owed.note(verdict)
		if !verdict.refusal() {
			last = isQuit(line)
			quit = quit || last
			g.out += copy(g.buf[g.out:], line)
		}
	}
	if f.long || len(rest) == gateSize {
		f.long, rest = true, nil
	}
	g.n = g.out + copy(g.buf[g.out:], rest)
	return g.buf[:g.out], quit, last
}

func (f *filter) clear() { f.gate.clear() }

// unfinished is as the gate's. Nothing but whole lines is let through.
func (f *filter) unfinished() (inLine, sent bool) { return f.gate.n > 0 || f.long, false }
