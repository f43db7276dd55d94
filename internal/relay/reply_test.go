package relay

import (
	"regexp"
	"strings"
	"testing"
)

func TestReply(t *testing.T) {
	for _, test := range []struct {
		name   string
		many   bool
		answer string // ends where the answer does
		want   progress
	}{
		{"a line", false, "+OK\r\n", whole},
		{"a line with a text", false, "+OK 2 320\r\n", whole},
		{"bare LF", false, "+OK 2 320\n", whole},
		{"a refusal", false, "-ERR no\r\n", whole},
		{"a refusal of many lines", true, "-ERR no\r\n", whole},
		{"a long line", false, "+OK " + strings.Repeat("x", 5000) + "\r\n", whole},
		{"brackets", true, "-ERR[IN-USE]\r\n", whole},
		{"nothing", true, "+OK\r\n.\r\n", whole},
		{"nothing, bare LF", true, "+OK\n.\n", whole},
		{"an empty line", true, "+OK\r\n\r\n.\r\n", whole},
		{"text", true, "+OK 12\r\nSubject: x\r\n\r\nyz\r\n.\r\n", whole},
		{"dots", true, "+OK\r\n..\r\n.x\r\n.\r\r\n.. \r\n. \r\n.\r\n", whole},
		{"answers in it", true, "+OK\r\n-ERR\r\n+OK\r\n.\r\n", whole},
		{"bare LF is no end", true, "+OK\r\na\r\nb\n.\nc\n.\r\nd\r\n.\n.\r\n\r\n.\r\n", whole},
		{"a dot behind an unfinished line", true, "+OK\r\na\r\nend.\r\n.\r\n", whole},
		{"CR is no end", true, "+OK\r\na\r\n\r.\r\r\n.\r\r\n.\r.\r\n.\r\n", whole},
		{"bare LF in the status", true, "+OK\na\r\nb\n.\n", whole},
		{"bare LF in the status, CRLF at the end", true, "+OK\na\n.\r\n", whole},
		{"bare LF in the first line", true, "+OK\r\na\nb\n..\n.\r\n", whole},
		{"bare LF in an empty first line", true, "+OK\r\n\n.\n", whole},
		{"a bare LF behind the dot", true, "+OK\r\n.\n", whole},
		{"bare LF in the second line", true, "+OK\r\na\r\nb\n.\r\n.\r\n", whole},
		{"no status", false, "hello\r\n", alien},
		{"an empty line for a status", true, "\r\n", alien},
		{"lower case", false, "+ok\r\n", alien},
		{"a continuation", false, "+ \r\n", alien},
		{"a word", false, "+OKAY\r\n", alien},
		{"another word", false, "-ERROR\r\n", alien},
		{"cut short", false, "+O\r\n", alien},
		{"cut shorter", false, "-\n", alien},
		{"a dot", true, ".\r\n", alien},
	} {
		t.Run(test.name, func(t *testing.T) {
			const more = "+OK more\r\n.\r\n"
			// In one piece, in two cut anywhere, and octet by octet.
			for cut := range len(test.answer) + 1 {
				checkReply(t, test.many, test.answer, more, test.want, []int{cut})
			}
			var all []int
			for i := range len(test.answer) {
				all = append(all, i)
			}
			checkReply(t, test.many, test.answer, more, test.want, all)
			for cut := range min(len(test.answer), 600) {
				if n, p := takeAll(test.many, test.answer[:cut], nil); n != cut || p != going {
					t.Errorf("%q is whole after %d octets: %d", test.answer[:cut], n, p)
				}
			}
		})
	}
}

// checkReply insists that the end of an answer is found, cut like this.
func checkReply(t *testing.T, many bool, answer, more string, want progress, cuts []int) {
	t.Helper()
	if n, p := takeAll(many, answer+more, cuts); n != len(answer) || p != want {
		t.Errorf("%.80q, cut at %v: %d octets and progress %d, want %d and %d", answer, cuts, n, p, len(answer), want)
	}
}

// takeAll gives text to a reply, cut at the given places, until the reply ends.
func takeAll(many bool, text string, cuts []int) (n int, p progress) {
	var r reply
	r.begin(many)
	for _, end := range append(cuts, len(text)) {
		if end <= n && end < len(text) {
			continue
		}
		size, p := r.take([]byte(text[n:end]))
		n += size
		if p != going {
			return n, p
		}
	}
	return n, going
}

var (
	status    = regexp.MustCompile(`^[^\n]*\n`)
	positive  = regexp.MustCompile(`^\+OK([^0-9A-Za-z]|$)`)
	negative  = regexp.MustCompile(`^-ERR([^0-9A-Za-z]|$)`)
	bareStart = regexp.MustCompile(`^([^\n]*[^\r\n])?\n|^[^\n]*\n([^\n]*[^\r\n])?\n`)
	bareEnd   = regexp.MustCompile(`\n\.\r?\n`)
	strictEnd = regexp.MustCompile(`\r\n\.\r\n`)
)

// endOf says where the answer at the beginning of text ends, as a reference.
func endOf(many bool, text string) (n int, p progress) {
	first := status.FindString(text)
	switch {
	case first == "":
		return len(text), going
	case negative.MatchString(first), positive.MatchString(first) && !many:
		return len(first), whole
	case !positive.MatchString(first):
		return len(first), alien
	}
	end := strictEnd
	if bareStart.MatchString(text) {
		end = bareEnd
	}
	if at := end.FindStringIndex(text[strings.IndexAny(text, "\r\n"):]); at != nil {
		return strings.IndexAny(text, "\r\n") + at[1], whole
	}
	return len(text), going
}

// FuzzReply compares with the reference, for answers in pieces of the lengths
// in cuts.
func FuzzReply(f *testing.F) {
	for _, body := range bodies {
		f.Add("+OK\r\n"+body+"+OK more", true, []byte{0})
		f.Add("+OK x\n"+body, true, []byte{2, 0, 5})
	}
	f.Add("-ERR\r\n.\r\n", true, []byte{3})
	f.Add("+OK\r\r\n\r\n\n.\n\r\n.\r\n", true, []byte{1})
	f.Fuzz(func(t *testing.T, text string, many bool, cuts []byte) {
		var places []int
		for at, i := 0, 0; len(cuts) > 0 && at < len(text); i++ {
			at += int(cuts[i%len(cuts)]) + 1
			places = append(places, min(at, len(text)))
		}
		wantN, want := endOf(many, text)
		if n, p := takeAll(many, text, places); n != wantN || p != want {
			t.Errorf("%q, cut at %v: %d octets and progress %d, want %d and %d", text, places, n, p, wantN, want)
		}
	})
}

// The bodies that other tests use are whole.
func TestBodiesAreWhole(t *testing.T) {
	for _, body := range bodies {
		if n, p := endOf(true, "+OK\r\n"+body+"x"); n != len("+OK\r\n"+body) || p != whole {
			t.Errorf("%.80q ends after %d octets: %d", body, n, p)
		}
	}
}
