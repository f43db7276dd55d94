package pop3_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"popgate/internal/pop3"
)

// chop makes pieces of data with the lengths in cuts; what is left over is one
// more piece. A length of 0 is a passed deadline, as is one behind the end.
func chop(data, cuts []byte) *source {
	var s source
	for _, n := range cuts {
		if n == 0 || len(data) == 0 {
			s.pieces = append(s.pieces, piece{err: os.ErrDeadlineExceeded})
			continue
		}
		at := min(int(n), len(data))
		s.pieces = append(s.pieces, piece{data: string(data[:at])})
		data = data[at:]
	}
	s.pieces = append(s.pieces, piece{data: string(data)})
	return &s
}

func FuzzReadCommand(f *testing.F) {
	for _, tt := range streams {
		f.Add([]byte(tt.stream), []byte{})
		f.Add([]byte(tt.stream), []byte{1, 0, 1, 1, 0, 7})
	}
	f.Add([]byte("NOOP\r\n"+strings.Repeat("a", 300)), []byte{6})
	f.Add([]byte("AUTH "+strings.Repeat("a", 13_000)), []byte{255, 255})
	f.Add([]byte(as("AUTH ", pop3.MaxSASL)+"\r\r\n\n\r"), []byte{254, 1})
	f.Fuzz(func(t *testing.T, data, cuts []byte) {
		r := pop3.NewReader(bytes.NewReader(data))
		events := replay(r, (*pop3.Reader).ReadCommand)
		rest := checkCommands(t, data, events)
		if !bytes.HasPrefix(rest, r.Buffered()) {
			t.Errorf("Buffered() = %q, want the start of %q", r.Buffered(), rest)
		}
		if got := replay(pop3.NewReader(chop(data, cuts)), (*pop3.Reader).ReadCommand); !equalEvents(got, events) {
			t.Errorf("cut up: got\n\t%v\nwant\n\t%v", got, events)
		}
	})
}

// checkCommands follows events through data: every octet belongs to a line, in
// order, or to what is returned as not handed out.
func checkCommands(t *testing.T, data []byte, events []event) (rest []byte) {
	t.Helper()
	for _, e := range events {
		line, after, found := bytes.Cut(data, []byte{'\n'})
		switch {
		case e.err == nil:
			if !found || e.line+"\r" != string(line) || strings.ContainsAny(e.line, "\r\n") {
				t.Fatalf("%q handed out, the stream has %q", e.line, line)
			}
			checkLength(t, e.line)
			data = after
		case errors.Is(e.err, pop3.ErrLineEnding):
			body, crlf := bytes.CutSuffix(line, []byte{'\r'})
			if !found || string(body) != e.line || crlf && !bytes.Contains(body, []byte{'\r'}) {
				t.Fatalf("%q refused, the stream has %q", e.line, line)
			}
			data = after
		case errors.Is(e.err, pop3.ErrTooLong):
			if found && len(line)+1 <= pop3.MaxCommand || len(data) < pop3.MaxCommand || e.line != "" {
				t.Fatalf("%q handed out of %q as too long", e.line, data)
			}
		case errors.Is(e.err, io.ErrUnexpectedEOF):
			if found || len(data) == 0 || e.line != "" {
				t.Fatalf("%q handed out of %q as unfinished", e.line, data)
			}
		case errors.Is(e.err, io.EOF):
			if len(data) > 0 || e.line != "" {
				t.Fatalf("%q handed out, %q lost at the end", e.line, data)
			}
		default:
			t.Fatalf("%q, %v from a stream without errors", e.line, e.err)
		}
	}
	return data
}

func checkLength(t *testing.T, line string) {
	t.Helper()
	limit := pop3.MaxCommand
	if len(line) > 4 && strings.EqualFold(line[:5], "AUTH ") {
		limit = pop3.MaxSASL
	}
	if len(line)+2 > limit {
		t.Fatalf("a line of %d octets was handed out, limit %d: %.20q", len(line)+2, limit, line)
	}
}
