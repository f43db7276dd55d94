package pop3_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"popgate/internal/pop3"
)

// whole is the Reader's entire buffer if nothing was handed out of it yet.
func whole(r *pop3.Reader) []byte {
	b := r.Buffered()
	return b[:cap(b)]
}

// A stranger's line of 1 GB without a LF costs its limit and no more.
func TestReaderMemoryBounded(t *testing.T) {
	tests := []struct {
		name   string
		next   read
		prefix string
		limit  int
	}{
		{"command", (*pop3.Reader).ReadCommand, "", 512},
		{"AUTH command", (*pop3.Reader).ReadCommand, "AUTH ", pop3.MaxSASL},
		{"SASL line", (*pop3.Reader).ReadSASL, "", pop3.MaxSASL},
		{"reply", (*pop3.Reader).ReadReply, "+OK ", pop3.MaxReply},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			stream := &endless{prefix: tt.prefix}
			r := pop3.NewReader(io.LimitReader(stream, 1<<30))
			ask := func() {
				if line, err := tt.next(r); !errors.Is(err, pop3.ErrTooLong) || line != nil {
					t.Fatalf("got %d octets and error %v, want ErrTooLong", len(line), err)
				}
			}
			ask()
			if n := testing.AllocsPerRun(1000, ask); n != 0 {
				t.Errorf("each further call allocates %v times", n)
			}
			if stream.taken > tt.limit {
				t.Errorf("%d octets were read, want at most %d", stream.taken, tt.limit)
			}
			if held := cap(whole(r)); held > tt.limit {
				t.Errorf("%d octets are held, want at most %d", held, tt.limit)
			}
		})
	}
}

// However long a session, its lines use one buffer of 512 octets.
func TestReaderMemoryOfLongSession(t *testing.T) {
	const lines = 20_000
	segment := as("PASS ", pop3.MaxCommand) + "NOOP\r\n"
	r := pop3.NewReader(strings.NewReader(strings.Repeat(segment, lines/2)))
	buf := whole(r)
	if len(buf) != 512 {
		t.Fatalf("first buffer has %d octets", len(buf))
	}
	read := func() {
		if _, err := r.ReadCommand(); err != nil {
			t.Fatal(err)
		}
	}
	// AllocsPerRun calls once more, to warm up.
	if n := testing.AllocsPerRun(lines-1, read); n != 0 {
		t.Errorf("a line allocates %v times", n)
	}
	if held := cap(whole(r)); held > 512 {
		t.Errorf("the buffer grew to %d octets", held)
	}
}

// Short lines keep the small buffer under every read method.
func TestReaderGrowsForLongLinesOnly(t *testing.T) {
	for name, next := range map[string]read{
		"command": (*pop3.Reader).ReadCommand,
		"SASL":    (*pop3.Reader).ReadSASL,
		"reply":   (*pop3.Reader).ReadReply,
	} {
		r := pop3.NewReader(strings.NewReader(strings.Repeat("+OK\r\n", 1000)))
		replay(r, next)
		if held := cap(whole(r)); held > 512 {
			t.Errorf("%s: the buffer grew to %d octets", name, held)
		}
	}
}

func TestWipe(t *testing.T) {
	r := pop3.NewReader(strings.NewReader("USER joe\r\nPASS hunter2\r\nSTAT\r\nQUIT\r\n"))
	buf := whole(r)
	for range 2 {
		if _, err := r.ReadCommand(); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Contains(buf, []byte("hunter2")) {
		t.Fatal("the password was never in the buffer that is looked at")
	}
	r.Wipe()
	r.Wipe() // again is harmless
	if bytes.Contains(buf, []byte("hunter2")) || bytes.Contains(buf, []byte("joe")) {
		t.Errorf("left after Wipe: %q", buf)
	}
	wantEvents(t, replay(r, (*pop3.Reader).ReadCommand), []event{{"STAT", nil}, {"QUIT", nil}, {"", io.EOF}})
}

// Lines that arrive in pieces move within the buffer. At no split may a second
// copy stay behind above what is buffered, whether Wipe is called at once or
// only some lines later.
func TestWipeLeavesNoCopy(t *testing.T) {
	stream := as("USER ", 100) + "PASS hunter2\r\nSTAT\r\nQUIT\r\n"
	for at := range len(stream) + 1 {
		for lines := 2; lines <= 4; lines++ {
			r := pop3.NewReader(&source{[]piece{{data: stream[:at]}, {data: stream[at:]}}})
			buf := whole(r)
			for range lines {
				if _, err := r.ReadCommand(); err != nil {
					t.Fatal(err)
				}
			}
			r.Wipe()
			if bytes.Contains(buf, []byte("unter")) {
				t.Errorf("split at %d, wiped after %d lines: %q", at, lines, bytes.Trim(buf, "\x00"))
			}
		}
	}
}

// A buffer that was outgrown is wiped as it is left.
func TestWipeOfOutgrownBuffer(t *testing.T) {
	r := pop3.NewReader(strings.NewReader(as("AUTH PLAIN hunter2", 5000)))
	small := whole(r)
	line, err := r.ReadCommand()
	if err != nil || !bytes.Contains(line, []byte("hunter2")) {
		t.Fatalf("got %q, %v", line, err)
	}
	if bytes.Contains(small, []byte("hunter2")) {
		t.Error("the first buffer still holds the line")
	}
	r.Wipe()
	if bytes.Contains(line, []byte("hunter2")) {
		t.Error("the second buffer still holds the line after Wipe")
	}
}
