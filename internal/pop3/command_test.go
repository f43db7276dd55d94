package pop3_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"popgate/internal/pop3"
)

func TestParseCommand(t *testing.T) {
	tests := []struct {
		line    string
		keyword string
		arg     string
		hasArg  bool
		err     error
	}{
		{"QUIT", "QUIT", "", false, nil},
		{"quit", "QUIT", "", false, nil},
		{"uSeR joe", "USER", "joe", true, nil},
		{"UTF8", "UTF8", "", false, nil},
		{"TOP 1 10", "TOP", "1 10", true, nil},
		{"xclient ADDR=192.0.2.1", "XCLIENT", "ADDR=192.0.2.1", true, nil},
		{"GET / HTTP/1.1", "GET", "/ HTTP/1.1", true, nil},
		{"Averylongkeyword x", "AVERYLONGKEYWORD", "x", true, nil},
		{"a001 LOGIN", "A001", "LOGIN", true, nil},
		{"PASS", "PASS", "", false, nil},
		{"PASS ", "PASS", "", true, nil},
		{"NOOP ", "NOOP", "", true, nil},
		// RFC 1939 §7: spaces belong to the password, RFC 1939 §3: one space separates.
		{"PASS  a b  ", "PASS", " a b  ", true, nil},
		{"USER  joe", "USER", " joe", true, nil},
		{"PASS \x80\xff\u0085\u00a0", "PASS", "\x80\xff\u0085\u00a0", true, nil},
		{"", "", "", false, pop3.ErrSyntax},
		{" ", "", "", false, pop3.ErrSyntax},
		{" QUIT", "", "", false, pop3.ErrSyntax},
		{"USER\tjoe", "", "", false, pop3.ErrSyntax},
		{"QUIT\x00", "", "", false, pop3.ErrSyntax},
		{"QU-IT", "", "", false, pop3.ErrSyntax},
		{"GET/", "", "", false, pop3.ErrSyntax},
		{"\xef\xbb\xbfQUIT", "", "", false, pop3.ErrSyntax},
		{"PA\u017f\u017f x", "", "", false, pop3.ErrSyntax},
		{"\u00a0QUIT", "", "", false, pop3.ErrSyntax},
		{"\xd5\xd3\xc5\xd2 joe", "", "", false, pop3.ErrSyntax}, // USER with the high bits set
		// Borders of the allowed ranges.
		{"/0", "", "", false, pop3.ErrSyntax},
		{"9:", "", "", false, pop3.ErrSyntax},
		{"@A", "", "", false, pop3.ErrSyntax},
		{"Z[", "", "", false, pop3.ErrSyntax},
		{"`a", "", "", false, pop3.ErrSyntax},
		{"z{", "", "", false, pop3.ErrSyntax},
	}
	for _, tt := range tests {
		c, err := pop3.ParseCommand([]byte(tt.line))
		if c.Keyword != tt.keyword || string(c.Arg) != tt.arg || c.HasArg != tt.hasArg || !errors.Is(err, tt.err) {
			t.Errorf("ParseCommand(%q) = %q, %q, %v, %v, want %q, %q, %v, %v",
				tt.line, c.Keyword, c.Arg, c.HasArg, err, tt.keyword, tt.arg, tt.hasArg, tt.err)
		}
	}
}

// Every control octet in an argument is refused wherever it stands, and the
// keyword tells whose argument it was; no other octet is refused.
func TestParseCommandControl(t *testing.T) {
	for b := range 256 {
		for _, form := range []string{"%s", "%sab", "a%sb", "ab%s"} {
			arg := fmt.Sprintf(form, string([]byte{byte(b)}))
			c, err := pop3.ParseCommand([]byte("PASS " + arg))
			var want error
			if b < 0x20 || b == 0x7f {
				want = pop3.ErrControl
			}
			if c.Keyword != "PASS" || string(c.Arg) != arg || !errors.Is(err, want) {
				t.Errorf("argument %q: got %q, %q, %v, want error %v", arg, c.Keyword, c.Arg, err, want)
			}
		}
	}
}

func TestCommandKnown(t *testing.T) {
	known := "APOP AUTH CAPA DELE LANG LAST LIST NOOP PASS QUIT RETR RPOP RSET STAT STLS TOP UIDL USER UTF8 XCLIENT"
	for _, k := range strings.Fields(known) {
		for _, line := range []string{k, strings.ToLower(k), k + " x"} {
			c, err := pop3.ParseCommand([]byte(line))
			if err != nil || c.Keyword != k || !c.Known() {
				t.Errorf("%q: keyword %q, known %v, error %v", line, c.Keyword, c.Known(), err)
			}
		}
	}
	// First lines of HTTP, SMTP, IMAP, and words that only resemble ours.
	for _, line := range []string{
		"GET / HTTP/1.1", "POST / HTTP/1.1", "OPTIONS * HTTP/1.1", "EHLO me", "HELO me", "MAIL FROM:<a@b>",
		"a1 CAPABILITY", "USERS", "USE", "XYZZY", "QUITQUIT", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2",
	} {
		c, err := pop3.ParseCommand([]byte(line))
		if err != nil || c.Known() {
			t.Errorf("%q: known %v, error %v", line, c.Known(), err)
		}
	}
	if (pop3.Command{}).Known() {
		t.Error("the zero command is known")
	}
}

func TestParseCommandAllocates(t *testing.T) {
	line := []byte("pass correct horse")
	n := testing.AllocsPerRun(100, func() {
		if c, err := pop3.ParseCommand(line); err != nil || c.Keyword != "PASS" {
			t.Fatal(c.Keyword, err)
		}
	})
	if n != 0 {
		t.Errorf("a known command allocates %v times", n)
	}
	if string(line) != "pass correct horse" {
		t.Errorf("the line was changed to %q", line)
	}
}

func TestEqualFold(t *testing.T) {
	tests := []struct {
		word, keyword string
		want          bool
	}{
		{"PLAIN", "PLAIN", true},
		{"plain", "PLAIN", true},
		{"pLaIn", "PLAIN", true},
		{"", "", true},
		{"", "PLAIN", false},
		{"PLAI", "PLAIN", false},
		{"PLAINX", "PLAIN", false},
		{"LOGIN", "PLAIN", false},
		{"@", "`", false}, // 0x20 apart, and no letters
		{"{", "[", false},
		{"x-1", "X-1", true},
		{"pla\u0131n", "PLAIN", false},
	}
	for _, tt := range tests {
		if got := pop3.EqualFold([]byte(tt.word), tt.keyword); got != tt.want {
			t.Errorf("EqualFold(%q, %q) = %v", tt.word, tt.keyword, got)
		}
	}
}

func TestCheckName(t *testing.T) {
	type row struct {
		name string
		want error
	}
	tests := []row{
		{"joe", nil},
		{"joe@example.com", nil},
		{"joe%example.com", nil},
		{`EXAMPLE\joe`, nil},
		{"joe smith", nil},
		{"j\u00f6rg@ex\u00e4mple.com", nil},
		{"\u00a0joe\u00a0", nil}, // NBSP is a byte of the name, never trimmed
		{"\u3000joe\u2028", nil},
		{"\ufeffjoe", nil},
		{"", pop3.ErrEmpty},
		{" ", pop3.ErrSpaces},
		{"   ", pop3.ErrSpaces},
		{" joe", pop3.ErrSpaces},
		{"joe ", pop3.ErrSpaces},
		{"joe\xff", pop3.ErrUTF8},
		{"\xc0\xaf", pop3.ErrUTF8},     // overlong
		{"\xed\xa0\x80", pop3.ErrUTF8}, // surrogate
		{"joe\x85", pop3.ErrUTF8},
		{"joe\xc3", pop3.ErrUTF8},
		{"joe\u0085", pop3.ErrControl}, // NEL
		{"\u0080joe", pop3.ErrControl},
		{"j\u009foe", pop3.ErrControl},
		{"\ufffdjoe", nil}, // typed by the client, not put in by us
	}
	for b := range 0x80 {
		if b < 0x20 || b == 0x7f {
			tests = append(tests, row{fmt.Sprintf("jo%ce", b), pop3.ErrControl})
		}
	}
	for _, tt := range tests {
		if err := pop3.CheckName([]byte(tt.name)); !errors.Is(err, tt.want) {
			t.Errorf("CheckName(%q) = %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestCheckPassword(t *testing.T) {
	if err := pop3.CheckPassword(nil); !errors.Is(err, pop3.ErrEmpty) {
		t.Errorf("CheckPassword(nil) = %v", err)
	}
	for _, p := range []string{" ", "  a b  ", "\u00a0\u0085", "p\xe4ss", "\xff\xfe", "\u00a7\u20ac", "*", "=", "\u200b"} {
		if err := pop3.CheckPassword([]byte(p)); err != nil {
			t.Errorf("CheckPassword(%q) = %v, want none", p, err)
		}
	}
	for b := range 256 {
		var want error
		if b < 0x20 || b == 0x7f {
			want = pop3.ErrControl
		}
		for _, p := range [][]byte{{byte(b)}, {'a', byte(b)}, {byte(b), 'a'}} {
			if err := pop3.CheckPassword(p); !errors.Is(err, want) {
				t.Errorf("CheckPassword(%q) = %v, want %v", p, err, want)
			}
		}
	}
}
