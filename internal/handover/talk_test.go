package handover

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

// FuzzHear: a line that was said is heard, whatever stands before it; what isn't a
// line is an error, and takes no more memory than a line may.
func FuzzHear(f *testing.F) {
	f.Add([]byte(`{"ready":true}`), "all is lost")
	f.Add([]byte(`{"error":`), "\n")
	f.Fuzz(func(t *testing.T, noise []byte, why string) {
		var heard answer
		_ = hear(bufio.NewReader(bytes.NewReader(noise)), &heard)
		if bytes.IndexByte(noise, '\n') >= 0 || len(why) > 1000 {
			return
		}
		var line bytes.Buffer
		line.Write(append(noise, '\n'))
		if err := say(&line, answer{Error: why}); err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(&line)
		_ = hear(r, new(answer))
		var second answer
		if err := hear(r, &second); err != nil || second.Error != strings.ToValidUTF8(why, "\uFFFD") && len(why) == len(second.Error) {
			t.Errorf("%q is heard as %q, %v", why, second.Error, err)
		}
	})
}

// TestHearTooMuch: a line without end is no line.
func TestHearTooMuch(t *testing.T) {
	if err := hear(bufio.NewReader(strings.NewReader(strings.Repeat("x", 2*maxLine))), new(answer)); !errors.Is(err, errTooLong) {
		t.Error(err)
	}
	if err := hear(bufio.NewReader(strings.NewReader(`{"ready":true}`)), new(answer)); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}
