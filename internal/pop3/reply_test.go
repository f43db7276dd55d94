package pop3_test

import (
	"errors"
	"strings"
	"testing"

	"popgate/internal/pop3"
)

func TestParseReply(t *testing.T) {
	tests := []struct {
		line       string
		ok         bool
		code, text string
	}{
		{"+OK", true, "", ""},
		{"-ERR", false, "", ""},
		{"+OK ", true, "", ""},
		{"+OK hello", true, "", "hello"},
		{"-ERR no such message", false, "", "no such message"},
		{"+OK   spaces  inside ", true, "", "spaces  inside "},
		{"+OK <1.2@example.com>", true, "", "<1.2@example.com>"},
		{"+OK\thello", true, "", "\thello"}, // odd, and plainly a reply
		{"+OK, hello", true, "", ", hello"},
		{"+OK\xe9", true, "", "\xe9"},
		// RFC 2449 §8, RFC 3206.
		{"-ERR [IN-USE] locked", false, "IN-USE", "locked"},
		{"-ERR [in-use] locked", false, "IN-USE", "locked"},
		{"-ERR [LOGIN-DELAY]", false, "LOGIN-DELAY", ""},
		{"-ERR [SYS/TEMP]try later", false, "SYS/TEMP", "try later"},
		{"-ERR[AUTH] no", false, "AUTH", "no"},
		{"-ERR   [AUTH]   no", false, "AUTH", "no"},
		{"+OK [X] [Y] z", true, "X", "[Y] z"},
		{"-ERR [x.y.z/1]", false, "X.Y.Z/1", ""},
		{"-ERR [" + strings.Repeat("c", 63) + "] long", false, strings.Repeat("C", 63), "long"},
		// Texts that only look like a code stay texts.
		{"-ERR []", false, "", "[]"},
		{"-ERR [", false, "", "["},
		{"-ERR ]", false, "", "]"},
		{"-ERR [IN-USE", false, "", "[IN-USE"},
		{"-ERR [two words] x", false, "", "[two words] x"},
		{"-ERR [[AUTH]]", false, "", "[[AUTH]]"},
		{"-ERR [a\x00b] x", false, "", "[a\x00b] x"},
		{"-ERR [a\x7f] x", false, "", "[a\x7f] x"},
		{"-ERR [stra\u00dfe] x", false, "", "[stra\u00dfe] x"},
		{"-ERR locked [IN-USE]", false, "", "locked [IN-USE]"},
		{"-ERR [" + strings.Repeat("c", 100) + "] x", false, "", "[" + strings.Repeat("c", 100) + "] x"},
		{"-ERR [\u017fY\u017f/TEMP] x", false, "", "[\u017fY\u017f/TEMP] x"},
	}
	for _, tt := range tests {
		got, err := pop3.ParseReply([]byte(tt.line))
		want := pop3.Reply{OK: tt.ok, Code: tt.code, Text: tt.text}
		if err != nil || got != want {
			t.Errorf("ParseReply(%q) = %+v, %v, want %+v", tt.line, got, err, want)
		}
	}
}

func TestParseReplyRefuses(t *testing.T) {
	for _, line := range []string{
		"", " ", "+", "+O", "-ER", "OK", "ERR", " +OK", "\t+OK", "\xef\xbb\xbf+OK",
		"+ok", "+Ok", "-err", "-Err", // RFC 1939 §3: upper case
		"+OKAY", "+OK1", "-ERROR", "-ERR0", "-OK", "+ERR",
		"* OK IMAP4rev1", "220 smtp ESMTP", "HTTP/1.1 400 Bad Request", "\x16\x03\x01\x02", "+ ", "+ AGpvZQ==", ".",
	} {
		got, err := pop3.ParseReply([]byte(line))
		if !errors.Is(err, pop3.ErrReply) || got != (pop3.Reply{}) {
			t.Errorf("ParseReply(%q) = %+v, %v, want ErrReply", line, got, err)
		}
	}
}

// A reply outlives the Reader's line it was taken from, and leaves it as it was.
func TestParseReplyCopies(t *testing.T) {
	line := []byte("-ERR [in-use] locked")
	reply, err := pop3.ParseReply(line)
	if err != nil {
		t.Fatal(err)
	}
	if string(line) != "-ERR [in-use] locked" {
		t.Errorf("the line was changed to %q", line)
	}
	clear(line)
	if want := (pop3.Reply{Code: "IN-USE", Text: "locked"}); reply != want {
		t.Errorf("after the line is gone: %+v, want %+v", reply, want)
	}
}

func TestPresentable(t *testing.T) {
	tests := []struct {
		line string
		want bool
	}{
		{"+OK", true},
		{"", true},
		{"+OK " + strings.Repeat("x", 506), true},  // 512 octets with its CRLF
		{"+OK " + strings.Repeat("x", 507), false}, // RFC 1939 §3
		{"+OK gr\u00fc\u00dfe", true},
		{"+OK gr\xfc\xdfe", true},
		{"+OK \u0085", true},
	}
	for _, tt := range tests {
		if got := pop3.Presentable([]byte(tt.line)); got != tt.want {
			t.Errorf("Presentable(%d octets, %.20q) = %v", len(tt.line), tt.line, got)
		}
	}
	for b := range 256 {
		want := b >= 0x20 && b != 0x7f
		if got := pop3.Presentable([]byte{'+', 'O', 'K', ' ', byte(b), 'x'}); got != want {
			t.Errorf("Presentable with %#02x = %v", b, got)
		}
	}
}
