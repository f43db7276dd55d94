package load

import (
	"bytes"
	"testing"
)

// feedAll cuts stream behind the given offsets, feeds the pieces, and returns
// how many octets were taken.
func feedAll(stream []byte, cuts ...int) (taken int, done bool) {
	var b body
	from := 0
	for _, to := range append(cuts, len(stream)) {
		n, done := b.feed(stream[from:to])
		taken += n
		if done {
			return taken, true
		}
		from = to
	}
	return taken, false
}

func TestBodyEndsAtTheTerminatorHoweverSplit(t *testing.T) {
	for _, test := range []struct {
		name, stream string
		want         int // octets; -1 if there is no end
	}{
		{"empty mail", ".\r\n", 3},
		{"one line", "a\r\n.\r\n", 6},
		{"octets behind it", "a\r\n.\r\n+OK\r\n", 6},
		{"second terminator behind it", "a\r\n.\r\n.\r\n", 6},
		{"stuffed dot alone", "..\r\n.\r\n", 7},
		{"dot line that goes on", "a\r\n.b\r\n..\r\n.\r\n", 14},
		{"bare LF before the dot", "a\n.\r\n.\r\n", 8},
		{"bare LF behind the dot", "a\r\n.\n\r\n.\r\n", 10},
		{"CR repeated", "a\r\r\n.\r\r\n.\r\n", 11},
		{"no end", "a\r\n.\r", -1},
		{"dot at the end of a line", "a.\r\nb\r\n", -1},
		{"nothing", "", -1},
	} {
		t.Run(test.name, func(t *testing.T) {
			stream := []byte(test.stream)
			want, wantDone := test.want, true
			if want < 0 {
				want, wantDone = len(stream), false
			}
			for i := range len(stream) + 1 {
				for j := i; j <= len(stream); j++ {
					if n, done := feedAll(stream, i, j); n != want || done != wantDone {
						t.Errorf("cut at %d and %d: took %d, %v; want %d, %v", i, j, n, done, want, wantDone)
					}
				}
			}
			every := make([]int, len(stream))
			for i := range every {
				every[i] = i
			}
			if n, done := feedAll(stream, every...); n != want || done != wantDone {
				t.Errorf("octet by octet: took %d, %v; want %d, %v", n, done, want, wantDone)
			}
		})
	}
}

// The end that is found in pieces is the one that is found in the whole.
func FuzzBody(f *testing.F) {
	f.Add([]byte("a\r\n.\r\nrest"), []byte{1, 2})
	f.Add([]byte(".\r\n"), []byte{})
	f.Add([]byte("a\r\n.\r\r\n.\r\n"), []byte{4, 1, 1})
	f.Fuzz(func(t *testing.T, stream, sizes []byte) {
		whole := append([]byte("\r\n"), stream...)
		want, wantDone := len(stream), false
		if at := bytes.Index(whole, terminator); at >= 0 {
			want, wantDone = at+len(terminator)-2, true
		}
		var cuts []int
		at := 0
		for _, size := range sizes {
			at = min(at+int(size), len(stream))
			cuts = append(cuts, at)
		}
		if n, done := feedAll(stream, cuts...); n != want || done != wantDone {
			t.Errorf("cuts %v: took %d, %v; want %d, %v", cuts, n, done, want, wantDone)
		}
	})
}
