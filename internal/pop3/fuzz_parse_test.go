package pop3_test

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"testing"

	"popgate/internal/pop3"
)

var keywordForm = regexp.MustCompile(`^[A-Z0-9]+$`)

// hasControlOctet is what no argument may hold.
var hasControlOctet = regexp.MustCompile(`[\x00-\x1f\x7f]`).Match

func FuzzParseCommand(f *testing.F) {
	for _, line := range []string{
		"", " ", "QUIT", "uSeR joe", "PASS  a b  ", "PASS ", "USER\tjoe", "PASS a\x00b", "TOP 1 10", "Averylongkeyword x",
		"PA\u017f\u017f x", "\u00a0QUIT", "GET / HTTP/1.1", "PASS \xff\u0085", "a001 LOGIN a b", "\xef\xbb\xbfUSER joe",
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		before := bytes.Clone(line)
		c, err := pop3.ParseCommand(line)
		if !bytes.Equal(line, before) {
			t.Fatalf("the line was changed from %q to %q", before, line)
		}
		word, arg, hasArg := strings.Cut(string(line), " ")
		if errors.Is(err, pop3.ErrSyntax) {
			if keywordForm.MatchString(asciiUpper(word)) || c.Keyword != "" || c.HasArg || c.Arg != nil {
				t.Fatalf("%q refused as no command, with %+v", line, c)
			}
			return
		}
		if control := hasControlOctet([]byte(arg)); err != nil && !errors.Is(err, pop3.ErrControl) || control != (err != nil) {
			t.Fatalf("%q: error %v, control characters %v", line, err, control)
		}
		// The way back: keyword and argument are the whole line.
		if !keywordForm.MatchString(c.Keyword) || c.Keyword != asciiUpper(word) || string(c.Arg) != arg || c.HasArg != hasArg {
			t.Fatalf("%q came apart as %q, %q, %v", line, c.Keyword, c.Arg, c.HasArg)
		}
		if !pop3.EqualFold([]byte(word), c.Keyword) {
			t.Fatalf("EqualFold(%q, %q) = false", word, c.Keyword)
		}
		if again, _ := pop3.ParseCommand([]byte(c.Keyword)); again.Keyword != c.Keyword || again.Known() != c.Known() {
			t.Fatalf("keyword %q came out as %q", c.Keyword, again.Keyword)
		}
	})
}

// asciiUpper is strings.ToUpper without its look-alikes.
func asciiUpper(s string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}, s)
}

func FuzzParseReply(f *testing.F) {
	for _, line := range []string{
		"", "+OK", "-ERR", "+OK ", "+OKAY", "+ok", "-ERR [IN-USE] locked", "-ERR[sys/temp]x", "-ERR [] x", "-ERR [[A]]",
		"-ERR [two words]", "+OK <1.2@h>", "* OK IMAP", "+OK [\x00]", "+OK [\u017f]", "+OK   [x]  y ", "-ERR [" + strings.Repeat("a", 80) + "]",
	} {
		f.Add([]byte(line))
	}
	codeForm := regexp.MustCompile(`^[!-Z\\^-` + "`" + `{-~]{1,64}$`) // printable ASCII, upper case, no brackets
	f.Fuzz(func(t *testing.T, line []byte) {
		before := bytes.Clone(line)
		reply, err := pop3.ParseReply(line)
		if !bytes.Equal(line, before) {
			t.Fatalf("the line was changed from %q to %q", before, line)
		}
		if err != nil {
			if !errors.Is(err, pop3.ErrReply) || reply != (pop3.Reply{}) {
				t.Fatalf("%q: %+v, %v", line, reply, err)
			}
			return
		}
		indicator := "-ERR"
		if reply.OK {
			indicator = "+OK"
		}
		rest, ok := strings.CutPrefix(string(line), indicator)
		if !ok {
			t.Fatalf("%q: %+v", line, reply)
		}
		rest = strings.TrimLeft(rest, " ")
		if reply.Code != "" {
			if !codeForm.MatchString(reply.Code) {
				t.Fatalf("%q: code %q", line, reply.Code)
			}
			code, after, _ := strings.Cut(rest, "]")
			if asciiUpper(code) != "["+reply.Code {
				t.Fatalf("%q: code %q out of %q", line, reply.Code, code)
			}
			rest = strings.TrimLeft(after, " ")
		}
		if reply.Text != rest {
			t.Fatalf("%q: text %q, want %q", line, reply.Text, rest)
		}
	})
}
