package pop3_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"net/textproto"
	"os"
	"strconv"
	"strings"
	"testing"

	"popgate/internal/pop3"
)

// Each test here shows first what Go's library does, and then that this
// package does not. If the first half fails, the library was mended and the
// reason for code of our own should be looked at again.

// libraryLines are the lines that the library's readers take from a stream.
var libraryLines = map[string]func(io.Reader) (line string, err error){
	"textproto.Reader": func(r io.Reader) (string, error) {
		return textproto.NewReader(bufio.NewReader(r)).ReadLine()
	},
	"bufio.Reader": func(r io.Reader) (string, error) {
		line, _, err := bufio.NewReader(r).ReadLine()
		return string(line), err
	},
	"bufio.Scanner": func(r io.Reader) (string, error) {
		s := bufio.NewScanner(r)
		if !s.Scan() {
			return "", cmpErr(s.Err(), io.EOF)
		}
		return s.Text(), nil
	},
}

func cmpErr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

func TestLibraryHandsOutUnterminatedLines(t *testing.T) {
	for _, stream := range []string{"DELE 1", "QUIT"} {
		for name, lib := range libraryLines {
			if line, err := lib(strings.NewReader(stream)); line != stream || err != nil {
				t.Errorf("%s: %q gave %q, %v", name, stream, line, err)
			}
		}
		line, err := pop3.NewReader(strings.NewReader(stream)).ReadCommand()
		if line != nil || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q: got %q, %v, want no line and io.ErrUnexpectedEOF", stream, line, err)
		}
	}
}

// A passed deadline is an end to the library as well: `DELE 12` becomes
// `DELE 1` for a client that is slow, not gone.
func TestLibraryHandsOutLinesAtDeadlines(t *testing.T) {
	slow := func() io.Reader {
		return &source{[]piece{{data: "DELE 1"}, {err: os.ErrDeadlineExceeded}, {data: "2\r\n"}}}
	}
	for name, lib := range libraryLines {
		if line, err := lib(slow()); line != "DELE 1" || err != nil {
			t.Errorf("%s gave %q, %v", name, line, err)
		}
	}
	r := pop3.NewReader(slow())
	if line, err := r.ReadCommand(); line != nil || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %q, %v, want no line and a passed deadline", line, err)
	}
	if line, err := r.ReadCommand(); string(line) != "DELE 12" || err != nil {
		t.Errorf("got %q, %v, want the whole line", line, err)
	}
}

func TestLibraryTakesBareLineFeeds(t *testing.T) {
	for name, lib := range libraryLines {
		if line, err := lib(strings.NewReader("DELE 1\nQUIT\r\n")); line != "DELE 1" || err != nil {
			t.Errorf("%s gave %q, %v", name, line, err)
		}
	}
	line, err := pop3.NewReader(strings.NewReader("DELE 1\nQUIT\r\n")).ReadCommand()
	if !errors.Is(err, pop3.ErrLineEnding) {
		t.Errorf("got %q, %v, want ErrLineEnding", line, err)
	}
}

func TestLibraryHoldsLongLines(t *testing.T) {
	long := strings.Repeat("a", 1<<20) + "\r\n"
	line, err := textproto.NewReader(bufio.NewReader(strings.NewReader(long))).ReadLine()
	if len(line) != 1<<20 || err != nil {
		t.Errorf("textproto.Reader gave %d octets, %v", len(line), err)
	}
	r := pop3.NewReader(strings.NewReader(long))
	if line, err := r.ReadCommand(); line != nil || !errors.Is(err, pop3.ErrTooLong) {
		t.Errorf("got %d octets, %v, want ErrTooLong", len(line), err)
	}
}

func TestLibraryFoldsLookAlikes(t *testing.T) {
	tests := []struct{ word, keyword string }{
		{"PA\u017f\u017f", "PASS"}, // long s
		{"\u017fTL\u017f", "STLS"},
		{"qu\u0131t", "QUIT"}, // dotless i, by ToUpper only
	}
	for _, tt := range tests {
		if strings.ToUpper(tt.word) != tt.keyword {
			t.Errorf("strings.ToUpper(%q) = %q", tt.word, strings.ToUpper(tt.word))
		}
		if pop3.EqualFold([]byte(tt.word), tt.keyword) {
			t.Errorf("EqualFold(%q, %q)", tt.word, tt.keyword)
		}
		if c, err := pop3.ParseCommand([]byte(tt.word)); !errors.Is(err, pop3.ErrSyntax) || c.Keyword != "" {
			t.Errorf("ParseCommand(%q) = %q, %v, want ErrSyntax", tt.word, c.Keyword, err)
		}
	}
	if !strings.EqualFold("PA\u017f\u017f", "PASS") || !strings.EqualFold("\u212aeep", "KEEP") {
		t.Error("strings.EqualFold folds ASCII only")
	}
	if pop3.EqualFold([]byte("\u212aEEP"), "KEEP") { // the Kelvin sign
		t.Error("EqualFold takes the Kelvin sign for a K")
	}
}

// Blanks of all kinds belong to a password, and to a name if they are no
// control characters.
func TestLibraryTrimsPasswords(t *testing.T) {
	for _, arg := range []string{"\u00a0pw\u00a0", "\u0085pw\u0085", "\u3000pw", "pw\u2028", "  pw ", "p  w"} {
		if f := strings.Fields(arg); strings.TrimSpace(arg) == arg && len(f) == 1 && f[0] == arg {
			t.Errorf("the library keeps %q whole", arg)
		}
		r := pop3.NewReader(strings.NewReader("PASS " + arg + "\r\n"))
		line, err := r.ReadCommand()
		if err != nil {
			t.Fatal(err)
		}
		c, err := pop3.ParseCommand(line)
		if err != nil || string(c.Arg) != arg {
			t.Errorf("argument %q came out as %q, %v", arg, c.Arg, err)
		}
		creds, err := pop3.NewCredentials("USER", []byte("joe"), c.Arg)
		if err != nil || string(creds.Password.Reveal()) != arg {
			t.Errorf("password %q came out as %q, %v", arg, creds.Password.Reveal(), err)
		}
	}
	creds, err := pop3.NewCredentials("USER", []byte("\u00a0joe\u00a0"), []byte("pw"))
	if err != nil || creds.Name != "\u00a0joe\u00a0" {
		t.Errorf("name with NBSP: %q, %v", creds.Name, err)
	}
	if _, err := pop3.NewCredentials("USER", []byte("joe\u0085"), []byte("pw")); !errors.Is(err, pop3.ErrControl) {
		t.Errorf("name with NEL: %v, want ErrControl", err)
	}
}

func TestLibrarySkipsLineEndsInBase64(t *testing.T) {
	whole := base64.StdEncoding.EncodeToString([]byte("\x00joe\x00secret"))
	for at := range len(whole) + 1 {
		for _, end := range []string{"\r", "\n", "\r\n"} {
			in := whole[:at] + end + whole[at:]
			if _, err := base64.StdEncoding.Strict().DecodeString(in); err != nil {
				t.Errorf("encoding/base64 refuses %q: %v", in, err)
			}
			if out, err := pop3.DecodeSASL([]byte(in)); out != nil || !errors.Is(err, pop3.ErrBase64) {
				t.Errorf("DecodeSASL(%q) = %q, %v, want ErrBase64", in, out, err)
			}
		}
	}
}

// RFC 4648 §3.5: two spellings of one password would be two keys of one cache.
func TestLibraryIgnoresTailBits(t *testing.T) {
	for _, in := range []string{"QR==", "QUJ=", "QUJDQf=="} {
		if _, err := base64.StdEncoding.DecodeString(in); err != nil {
			t.Errorf("encoding/base64 refuses %q: %v", in, err)
		}
		if out, err := pop3.DecodeSASL([]byte(in)); out != nil || !errors.Is(err, pop3.ErrBase64) {
			t.Errorf("DecodeSASL(%q) = %q, %v, want ErrBase64", in, out, err)
		}
	}
}

// strconv takes spellings of a number that another server may read as another
// number. This package reads no numbers at all: they stay as typed.
func TestLibraryRewritesNumbers(t *testing.T) {
	for _, arg := range []string{"+1", "01", "0000000001"} {
		if n, err := strconv.Atoi(arg); n != 1 || err != nil {
			t.Errorf("strconv.Atoi(%q) = %d, %v", arg, n, err)
		}
		c, err := pop3.ParseCommand([]byte("DELE " + arg))
		if err != nil || !bytes.Equal(c.Arg, []byte(arg)) {
			t.Errorf("argument %q came out as %q, %v", arg, c.Arg, err)
		}
	}
}
