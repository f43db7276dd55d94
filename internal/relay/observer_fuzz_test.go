package relay

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// marks are in bodies and in what must be masked, and nowhere else.
const marks = "~^|"

// markedLines are commands that a client may send, with marks where it may say
// what it likes.
var markedLines = []string{
	"STAT\r\n", "LIST\r\n", "list 1\r\n", "UIDL\r\n", "UIDL 2\r\n", "RETR 1\r\n", "TOP 1 0\r\n", "NOOP\r\n", "RSET\r\n",
	"CAPA\r\n", "DELE 1\r\n", "RETR ~\r\n", "DELE ^ 1\r\n", "RETR 1 |\r\n", "~~~\r\n", "NOOP ~\r\n", "NOOP\n", "~\r~\r\n",
}

// bodyOf makes the lines behind a status line of raw: each octet is a piece of
// mail, the nastier the better. It is dot-stuffed as RFC 1939 §3 says. Without bare
// LFs where it ends is certain, so that refusals have their place.
func bodyOf(raw []byte, bare bool) string {
	parts := []string{"~", "\r\n", ".", "\r\n+OK ~\r\n", "\r\n-ERR ^\r\n", "\r", "\n", "\n.\n", "|", "\r\n.\r\n", "+OK|", "\n.\r\n"}
	var mail strings.Builder
	for _, pick := range raw[:min(len(raw), 2000)] {
		mail.WriteString(parts[int(pick)%len(parts)])
	}
	text := mail.String()
	if !bare {
		text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", "\r\n")
	}
	if text != "" && !strings.HasSuffix(text, "\r\n") {
		text += "\r\n"
	}
	if strings.HasPrefix(text, ".") {
		text = "." + text
	}
	return strings.ReplaceAll(text, "\r\n.", "\r\n..") + ".\r\n"
}

// FuzzObserverTellsNoMail: whatever mails hold, however commands are sent and
// whatever the pieces, not an octet of a body is told, nor of what a client says
// beside keywords and numbers; and the relay carries what it carries without an
// observer.
func FuzzObserverTellsNoMail(f *testing.F) {
	f.Add([]byte{0, 1, 3, 5, 6, 10}, []byte{3, 2, 1, 9, 4, 0, 8, 7}, false, uint64(1))
	f.Add([]byte{5, 5, 5, 0, 0, 0, 7, 7}, []byte{1, 3, 3, 9, 11, 3, 7, 3}, false, uint64(2))
	f.Add([]byte{5, 0, 0, 0, 0, 14, 0, 5}, []byte{6, 7, 10, 6, 7, 10, 11, 10}, false, uint64(3))
	f.Add([]byte{5, 10, 11, 12, 13, 14, 15, 16, 17, 0}, []byte{0, 9, 3}, true, uint64(4))
	f.Fuzz(func(t *testing.T, picks, raw []byte, readOnly bool, seed uint64) {
		var up strings.Builder
		for _, pick := range picks[:min(len(picks), 50)] {
			up.WriteString(markedLines[int(pick)%len(markedLines)])
		}
		rng := rand.New(rand.NewPCG(seed, 3))
		said := []string{""}
		for i, line := range slices.Collect(strings.Lines(up.String())) {
			if readOnly && refusalOf(line) != "" {
				continue
			}
			text := "-ERR\r\n"
			if v := (&observer{}).judge([]byte(line)); rng.IntN(8) > 0 && v != noControl {
				text = []string{"+OK\r\n", "+OK ready\r\n", "+OK 1 2\n"}[rng.IntN(3)]
				if readOnly {
					text = "+OK 1\r\n"
				}
				if v == manyLines {
					text += bodyOf(raw[min(len(raw), i):], !readOnly)
				}
			}
			said = append(said, text)
		}
		said = append(said[1:], "")
		synctest.Test(t, func(t *testing.T) {
			wantSeen, wantGot := exchange(t, readOnly, up.String(), said, seed)
			var mu sync.Mutex
			var w witness
			seen, got := exchange(t, readOnly, up.String(), said, seed, func(o *Options) {
				o.Observer = func(by Origin, text string) bool {
					mu.Lock()
					defer mu.Unlock()
					return w.tell(by, text)
				}
			})
			if seen != wantSeen || got != wantGot {
				t.Fatalf("the observer has changed something:\n%q\n%q\nwant\n%q\n%q", seen, got, wantSeen, wantGot)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, told := range w.told {
				if strings.ContainsAny(told, marks) {
					t.Fatalf("told %q of\n%q\n%q", told, up.String(), said)
				}
			}
		})
	})
}

// FuzzObserverWithoutDotStuffing: a backend that sends mail as it is, and answers to
// RETR and TOP whatever it likes, to a client that asks for many things at once and
// hears all that there is before it asks for more. Not an octet of mail is told.
func FuzzObserverWithoutDotStuffing(f *testing.F) {
	f.Add([]byte{5, 7, 7, 200, 0}, "~\r\n.\r\n+OK ~ one\r\n-ERR ~ two\r\n.\r\n", uint8(4))
	f.Add([]byte{0, 6, 7, 0}, "+OK ~\r\n", uint8(5))
	f.Add([]byte{5, 200, 0}, "Subject: ~\r\n", uint8(2))
	f.Fuzz(func(t *testing.T, picks []byte, mail string, size uint8) {
		mail = strings.Map(func(r rune) rune {
			if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' {
				return '~'
			}
			return r
		}, mail[:min(len(mail), 1000)])
		var w witness
		o := newObserver(w.tell, false)
		for batch := range bytes.SplitSeq(picks[:min(len(picks), 100)], []byte{200}) {
			var up, down strings.Builder
			for i, pick := range batch {
				line := markedLines[int(pick)%10]
				up.WriteString(line)
				switch {
				case !asksMail(line):
					down.WriteString([]string{"+OK\r\n", "+OK 1 2\r\n.\r\n", "-ERR\r\n"}[i%3])
				case i%3 == 0:
					down.WriteString("+OK 3 octets\r\n" + mail)
				case i%3 == 1:
					down.WriteString("-ERR sorry\r\n" + mail)
				default:
					down.WriteString("+OK " + mail)
				}
			}
			o.client([]byte(up.String()))
			for piece := range slices.Chunk([]byte(down.String()), int(size)+1) {
				o.backend(piece)
			}
		}
		for _, told := range w.told {
			if strings.Contains(told, "~") {
				t.Fatalf("told %q of %q, asked for as %v", told, mail, picks)
			}
		}
	})
}

// FuzzObserver: two peers that say anything, in any order. What is told is what an
// observer may say, and nothing follows its last word.
func FuzzObserver(f *testing.F) {
	for _, test := range observations {
		var script []byte
		for _, step := range test.said {
			script = append(script, step[:1]+step[3:]+"\x00"...)
		}
		f.Add(script, test.readOnly)
	}
	f.Fuzz(func(t *testing.T, script []byte, readOnly bool) {
		var w witness
		o := newObserver(w.tell, readOnly)
		for step := range bytes.SplitSeq(script, []byte{0}) {
			switch {
			case len(step) == 0:
			case step[0] == 'B':
				o.backend(step[1:])
			default:
				o.client(step[1:])
			}
		}
		for i, told := range w.told {
			by, text, _ := strings.Cut(told, ": ")
			ok, err := indicators([]byte(text))
			switch {
			case strings.Contains(text, "\n"), len(text) > shownStatus, by == "backend" && !ok && !err:
				t.Errorf("told %q", told)
			case text == cantFollow[6:]+"a bug of popgate", strings.HasPrefix(text, cantFollow[6:]) && i != len(w.told)-1:
				t.Errorf("told %q of %q", w.told, script)
			}
		}
	})
}
