package pop3_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"popgate/internal/pop3"
)

// as returns a line of n octets, its CRLF included, that starts with prefix.
func as(prefix string, n int) string {
	return prefix + strings.Repeat("a", n-2-len(prefix)) + "\r\n"
}

// without takes the CRLF off.
func without(line string) string { return strings.TrimSuffix(line, "\r\n") }

// streams are what the tables, the splits and the deadlines are tried with.
var streams = []struct {
	name   string
	next   read
	stream string
	want   []event
}{
	{"nothing", (*pop3.Reader).ReadCommand, "", []event{{"", io.EOF}}},
	{"one line", (*pop3.Reader).ReadCommand, "QUIT\r\n", []event{{"QUIT", nil}, {"", io.EOF}}},
	{"empty lines", (*pop3.Reader).ReadCommand, "\r\n\r\nNOOP\r\n",
		[]event{{"", nil}, {"", nil}, {"NOOP", nil}, {"", io.EOF}}},
	{"login", (*pop3.Reader).ReadCommand, "CAPA\r\nUSER joe\r\nPASS  a b  \r\nSTAT\r\nQUIT\r\n",
		[]event{{"CAPA", nil}, {"USER joe", nil}, {"PASS  a b  ", nil}, {"STAT", nil}, {"QUIT", nil}, {"", io.EOF}}},
	{"cut short in a DELE", (*pop3.Reader).ReadCommand, "STAT\r\nDELE 1",
		[]event{{"STAT", nil}, {"", io.ErrUnexpectedEOF}}},
	{"QUIT and FIN", (*pop3.Reader).ReadCommand, "QUIT", []event{{"", io.ErrUnexpectedEOF}}},
	{"QUIT, CR and FIN", (*pop3.Reader).ReadCommand, "QUIT\r", []event{{"", io.ErrUnexpectedEOF}}},
	// RFC 1939 §3: a bare LF or CR ends no command. The line comes with the
	// error, so that its first word can be looked at.
	{"bare LF", (*pop3.Reader).ReadCommand, "NOOP\nSTAT\r\n",
		[]event{{"NOOP", pop3.ErrLineEnding}, {"STAT", nil}, {"", io.EOF}}},
	{"only a LF", (*pop3.Reader).ReadCommand, "\n", []event{{"", pop3.ErrLineEnding}, {"", io.EOF}}},
	{"bare CR", (*pop3.Reader).ReadCommand, "PASS a\rb\r\nSTAT\r\n",
		[]event{{"PASS a\rb", pop3.ErrLineEnding}, {"STAT", nil}, {"", io.EOF}}},
	{"CR CR LF", (*pop3.Reader).ReadCommand, "NOOP\r\r\n", []event{{"NOOP\r", pop3.ErrLineEnding}, {"", io.EOF}}},
	{"LF CR", (*pop3.Reader).ReadCommand, "NOOP\n\rSTAT\r\n",
		[]event{{"NOOP", pop3.ErrLineEnding}, {"\rSTAT", pop3.ErrLineEnding}, {"", io.EOF}}},
	{"NUL and 8-bit pass", (*pop3.Reader).ReadCommand, "PASS \x00\x85\xff\r\n",
		[]event{{"PASS \x00\x85\xff", nil}, {"", io.EOF}}},
	// RFC 2449 §4: 255 octets with the CRLF.
	{"longest command", (*pop3.Reader).ReadCommand, as("PASS ", 255) + "STAT\r\n",
		[]event{{without(as("PASS ", 255)), nil}, {"STAT", nil}, {"", io.EOF}}},
	{"one octet over", (*pop3.Reader).ReadCommand, as("PASS ", 256) + "STAT\r\n", []event{{"", pop3.ErrTooLong}}},
	{"over and unterminated", (*pop3.Reader).ReadCommand, strings.Repeat("a", 255), []event{{"", pop3.ErrTooLong}}},
	{"just not over and unterminated", (*pop3.Reader).ReadCommand, strings.Repeat("a", 254),
		[]event{{"", io.ErrUnexpectedEOF}}},
	{"long AUTH", (*pop3.Reader).ReadCommand, as("aUtH PLAIN ", 700) + as("USER ", 255),
		[]event{{without(as("aUtH PLAIN ", 700)), nil}, {without(as("USER ", 255)), nil}, {"", io.EOF}}},
	{"a word that starts like AUTH", (*pop3.Reader).ReadCommand, as("AUTHX ", 256), []event{{"", pop3.ErrTooLong}}},
	{"AUTH and a tab", (*pop3.Reader).ReadCommand, as("AUTH\t", 256), []event{{"", pop3.ErrTooLong}}},
	{"long SASL line", (*pop3.Reader).ReadSASL, as("", 1300) + "*\r\nab\n=\r\nunfinished",
		[]event{{without(as("", 1300)), nil}, {"*", nil}, {"ab", pop3.ErrLineEnding}, {"=", nil}, {"", io.ErrUnexpectedEOF}}},
	// Old backends end lines in a bare LF.
	{"replies", (*pop3.Reader).ReadReply, "+OK hi\r\n+OK\n-ERR a\rb\r\r\n\n" + as("+OK ", 600) + "+OK",
		[]event{{"+OK hi", nil}, {"+OK", nil}, {"-ERR a\rb\r", nil}, {"", nil}, {without(as("+OK ", 600)), nil}, {"", io.ErrUnexpectedEOF}}},
}

func TestReader(t *testing.T) {
	for _, tt := range streams {
		t.Run(tt.name, func(t *testing.T) {
			wantEvents(t, replay(pop3.NewReader(strings.NewReader(tt.stream)), tt.next), tt.want)
		})
	}
}

func TestReaderLimits(t *testing.T) {
	tests := []struct {
		name   string
		next   read
		prefix string
		limit  int
	}{
		{"command", (*pop3.Reader).ReadCommand, "PASS ", pop3.MaxCommand},
		{"AUTH command", (*pop3.Reader).ReadCommand, "AUTH PLAIN ", pop3.MaxSASL},
		{"SASL line", (*pop3.Reader).ReadSASL, "", pop3.MaxSASL},
		{"reply", (*pop3.Reader).ReadReply, "+OK ", pop3.MaxReply},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fits := as(tt.prefix, tt.limit)
			line, err := tt.next(pop3.NewReader(strings.NewReader(fits)))
			if err != nil || string(line) != without(fits) {
				t.Errorf("%d octets: %d octets came back, error %v", tt.limit, len(line), err)
			}
			over := pop3.NewReader(strings.NewReader(as(tt.prefix, tt.limit+1)))
			for range 2 { // it stays too long
				if line, err := tt.next(over); !errors.Is(err, pop3.ErrTooLong) || line != nil {
					t.Errorf("%d octets: got %d octets and error %v, want ErrTooLong", tt.limit+1, len(line), err)
				}
			}
			if !strings.HasPrefix(as(tt.prefix, tt.limit+1), string(over.Buffered())) {
				t.Error("a line over the limit was consumed in part")
			}
		})
	}
}

// RFC 2449 §6.6: what a client pipelines behind a command is kept.
func TestBuffered(t *testing.T) {
	r := pop3.NewReader(strings.NewReader("PASS x\r\nSTAT\r\nQUI"))
	if got := r.Buffered(); len(got) != 0 {
		t.Errorf("before the first read: %q", got)
	}
	if _, err := r.ReadCommand(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // asking takes nothing
		if got := r.Buffered(); string(got) != "STAT\r\nQUI" {
			t.Errorf("Buffered() = %q, want what was pipelined", got)
		}
	}
	wantEvents(t, replay(r, (*pop3.Reader).ReadCommand), []event{{"STAT", nil}, {"", io.ErrUnexpectedEOF}})
	if got := r.Buffered(); string(got) != "QUI" {
		t.Errorf("Buffered() = %q, want the unterminated tail", got)
	}
}

func TestReaderSourceErrors(t *testing.T) {
	reset := errors.New("connection reset")
	t.Run("error alone", func(t *testing.T) {
		_, err := pop3.NewReader(iotest.ErrReader(reset)).ReadCommand()
		if !errors.Is(err, reset) {
			t.Errorf("got %v, want the source's error", err)
		}
	})
	t.Run("error in a line", func(t *testing.T) {
		src := &source{[]piece{{data: "QUIT\r\nQUIT"}, {err: reset}}}
		wantEvents(t, replay(pop3.NewReader(src), (*pop3.Reader).ReadCommand), []event{{"QUIT", nil}, {"", reset}})
	})
	t.Run("error beside data", func(t *testing.T) {
		src := &source{[]piece{{"QUIT\r\nQUIT", reset}, {err: reset}}}
		wantEvents(t, replay(pop3.NewReader(src), (*pop3.Reader).ReadCommand), []event{{"QUIT", nil}, {"", reset}})
	})
	t.Run("no progress", func(t *testing.T) {
		src := &source{append(append([]piece{{data: "QU"}}, make([]piece, 1000)...), piece{data: "IT\r\n"})}
		r := pop3.NewReader(src)
		if _, err := r.ReadCommand(); !errors.Is(err, io.ErrNoProgress) {
			t.Errorf("got %v, want io.ErrNoProgress", err)
		}
		if !bytes.Equal(r.Buffered(), []byte("QU")) {
			t.Errorf("lost what was read: %q", r.Buffered())
		}
	})
	t.Run("a few empty reads", func(t *testing.T) {
		src := &source{[]piece{{data: "QU"}, {}, {}, {data: "IT\r\n"}}}
		wantEvents(t, replay(pop3.NewReader(src), (*pop3.Reader).ReadCommand), []event{{"QUIT", nil}, {"", io.EOF}})
	})
}
