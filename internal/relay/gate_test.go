package relay

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
)

func TestGate(t *testing.T) {
	longest := strings.Repeat("a", gateSize-1) + "\n"
	tooLong := strings.Repeat("a", gateSize)
	for _, test := range []struct {
		name         string
		steps        []step
		inLine, sent bool
	}{
		{"a line", []step{{"STAT\r\n", "STAT\r\n", false, false}}, false, false},
		{"nothing", []step{{"", "", false, false}}, false, false},
		{"a tail waits", []step{{"STAT\r\nRE", "STAT\r\n", false, false}}, true, false},
		{"a tail goes on with its line", []step{{"STAT\r\nRE", "STAT\r\n", false, false}, {"TR 1\r\n", "RETR 1\r\n", false, false}}, false, false},
		{"CR alone ends nothing", []step{{"QUIT\r", "", false, false}}, true, false},
		{"LF alone ends a line", []step{{"STAT\n", "STAT\n", false, false}}, false, false},
		{"QUIT", []step{{"QUIT\r\n", "QUIT\r\n", true, true}}, false, false},
		{"QUIT in pieces", []step{{"Q", "", false, false}, {"uI", "", false, false}, {"T\r", "", false, false}, {"\n", "QuIT\r\n", true, true}}, false, false},
		{"QUIT, bare LF", []step{{"quit\n", "quit\n", true, true}}, false, false},
		{"QUIT with an argument", []step{{"QUIT now\r\n", "QUIT now\r\n", true, true}}, false, false},
		{"QUIT before a line", []step{{"QUIT\r\nNOOP\r\n", "QUIT\r\nNOOP\r\n", true, false}}, false, false},
		{"QUIT before a tail", []step{{"QUIT\r\nNOO", "QUIT\r\n", true, true}}, true, false},
		{"QUIT behind a line", []step{{"DELE 1\r\nQUIT\r\n", "DELE 1\r\nQUIT\r\n", true, true}}, false, false},
		{"no QUIT", []step{{"QUITE\r\nQUI\r\n QUIT\r\nNOOP QUIT\r\n", "QUITE\r\nQUI\r\n QUIT\r\nNOOP QUIT\r\n", false, false}}, false, false},
		{"look-alikes", []step{{"QU\u0130T\r\n\x11uit\r\n", "QU\u0130T\r\n\x11uit\r\n", false, false}}, false, false},
		{"empty lines", []step{{"\n\r\n\n", "\n\r\n\n", false, false}}, false, false},
		{"the longest line waits for its LF", []step{{longest[:gateSize-1], "", false, false}, {"\n", longest, false, false}}, false, false},
		{"a longer one doesn't", []step{{tooLong, tooLong, false, false}}, true, true},
		{"a longer one goes on", []step{{tooLong, tooLong, false, false}, {"b", "b", false, false}, {"\r\nNO", "\r\n", false, false}}, true, false},
		{"QUIT at the end of a longer one", []step{{tooLong, tooLong, false, false}, {"QUIT\r\n", "QUIT\r\n", false, false}}, false, false},
		{"QUIT behind a longer one", []step{{tooLong, tooLong, false, false}, {"\nQUIT\r\n", "\nQUIT\r\n", true, true}}, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var g gate
			takes(t, &g, test.steps)
			if inLine, sent := g.unfinished(); inLine != test.inLine || sent != test.sent {
				t.Errorf("unfinished: %v, %v; want %v, %v", inLine, sent, test.inLine, test.sent)
			}
		})
	}
}

// step is what is read at once, and what follows from it.
type step struct {
	in         string
	out        string
	quit, last bool
}

// takes gives l what is read, step by step.
func takes(t *testing.T, l lines, steps []step) {
	t.Helper()
	for _, step := range steps {
		if n := copy(l.room(), step.in); n != len(step.in) {
			t.Fatalf("room for %d octets, want %d", n, len(step.in))
		}
		l.add(len(step.in))
		out, quit, last := l.ready()
		if string(out) != step.out || quit != step.quit || last != step.last {
			t.Errorf("after %.20q: %.40q, quit %v, last %v", step.in, out, quit, last)
		}
		l.clear()
	}
}

// FuzzGate feeds data in pieces of the lengths in cuts. At every moment what
// went through is what the reference lets through.
func FuzzGate(f *testing.F) {
	f.Add([]byte("STAT\r\nQUIT\r\n"), []byte{2, 1})
	f.Add([]byte("QUIT\r\nDELE 1\r\nqui"), []byte{255})
	f.Add(append(bytes.Repeat([]byte("x"), 600), "QUIT\nQUIT\nQ"...), []byte{3, 200, 0})
	f.Add(append(bytes.Repeat([]byte("x"), gateSize-1), "\nQUIT\r\n"...), []byte{250})
	f.Add(append(append([]byte("QUIT "), bytes.Repeat([]byte("x"), 600)...), '\n'), []byte{200, 250})
	f.Fuzz(func(t *testing.T, data, cuts []byte) {
		var g gate
		var through []byte
		for fed, i := 0, 0; fed < len(data); i++ {
			room := g.room()
			if len(room) == 0 {
				t.Fatal("no room")
			}
			size := len(room)
			if len(cuts) > 0 {
				size = min(size, int(cuts[i%len(cuts)])+1)
			}
			n := copy(room[:size], data[fed:])
			g.add(n)
			fed += n
			out, quit, last := g.ready()
			before := len(through)
			through = append(through, out...)
			g.clear()

			want := letThrough(data[:fed])
			if !bytes.Equal(through, data[:want]) {
				t.Fatalf("of %q %q went through, want %q", data[:fed], through, data[:want])
			}
			if wantQuit, wantLast := quits(data[:want], before); quit != wantQuit || last != wantLast {
				t.Fatalf("quit %v, last %v; want %v, %v in %q", quit, last, wantQuit, wantLast, data[before:want])
			}
			tail := data[bytes.LastIndexByte(data[:fed], '\n')+1 : fed]
			if inLine, sent := g.unfinished(); inLine != (len(tail) > 0) || sent != (len(tail) >= gateSize) {
				t.Fatalf("unfinished %v, %v with the tail %q", inLine, sent, tail)
			}
		}
	})
}

// letThrough says how much of stream may have gone to a backend: all up to the
// last LF, and a tail only when its line can't have 512 octets or less.
func letThrough(stream []byte) int {
	start := bytes.LastIndexByte(stream, '\n') + 1
	if len(stream)-start >= gateSize {
		return len(stream)
	}
	return start
}

var quitLine = regexp.MustCompile(`(?s)^[Qq][Uu][Ii][Tt]([ \t\r].*)?\n$`)

// quits reports whether a QUIT line ends in stream[from:], and whether one is
// the end of it.
func quits(stream []byte, from int) (quit, last bool) {
	at := 0
	for line := range bytes.Lines(stream) {
		at += len(line)
		if at > from {
			last = quitLine.Match(line)
			quit = quit || last
		}
	}
	return quit, last
}
