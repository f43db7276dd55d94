package maildrop

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"testing"
)

func TestTextHasItsSizeInWholeLines(t *testing.T) {
	for size := len(header) + 2; size < len(header)+5*lineSize; size++ {
		mail := text(size)
		if len(mail) != size {
			t.Fatalf("size %d: got %d octets", size, len(mail))
		}
		for line := range bytes.Lines(mail) {
			if !bytes.HasSuffix(line, []byte("\r\n")) || bytes.Count(line, []byte("\r")) != 1 {
				t.Fatalf("size %d: line %q", size, line)
			}
		}
	}
}

func TestReplyIsStuffedAndEndsOnce(t *testing.T) {
	for _, m := range Standard() {
		head := fmt.Appendf(nil, "+OK %d octets\r\n", m.Size)
		body, ok := bytes.CutPrefix(m.Reply, head)
		if !ok {
			t.Fatalf("%d octets: the reply starts with %.30q", m.Size, m.Reply)
		}
		if at := bytes.Index(m.Reply, []byte("\r\n.\r\n")); at != len(m.Reply)-5 {
			t.Errorf("%d octets: the terminator is at %d of %d", m.Size, at, len(m.Reply))
		}
		body = body[:len(body)-len(".\r\n")]
		if stuffed := bytes.Count(body, []byte("\r\n..")); len(body)-stuffed != m.Size || stuffed == 0 {
			t.Errorf("%d octets: %d on the wire with %d dots added", m.Size, len(body), stuffed)
		}
		if m.Sum != sha256.Sum256(m.Reply) {
			t.Errorf("%d octets: the sum isn't the reply's", m.Size)
		}
	}
}

func TestMessagesAreTheSameEachTime(t *testing.T) {
	once, again := New(Small), New(Small)
	if once.Sum != again.Sum {
		t.Error("two makings of one message differ")
	}
	if other := New(Small + 1); other.Sum == once.Sum {
		t.Error("messages of two sizes are the same")
	}
}

func TestStat(t *testing.T) {
	if got, want := Stat(Standard()), "+OK 3 10555392\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
