package admin

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "",
		`say "no" = \x`:                      `say "no" = \x`,
		"jörg 你好":                            "jörg 你好",
		"a\r\nb\tc":                          "a  b c",
		"\x1b[31mred\x9b":                    "\ufffd[31mred\ufffd",
		"a\u202eb\u200bc\u2028d":             "a\ufffdb\ufffdc d",
		strings.Repeat("x", maxText):         strings.Repeat("x", maxText),
		strings.Repeat("x", maxText-1) + "é": strings.Repeat("x", maxText-1) + "…",
	} {
		if got := printable(text); got != want {
			t.Errorf("%.40q: %q, want %q", text, got, want)
		}
	}
	// No character begins here, so that there is none to keep.
	if got := printable(strings.Repeat("\x80", 2*maxText)); got != "…" {
		t.Errorf("%.40q", got)
	}
}

// fit tells whether text can stand on one line of a terminal.
func fit(text string) bool {
	return len(text) <= 3*maxText+len("…") && utf8.ValidString(text) && strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) && r != unicode.ReplacementChar }) < 0
}

// FuzzPrintable: whatever it was, it is fit, and doing it again changes nothing
// that was short.
func FuzzPrintable(f *testing.F) {
	f.Add("a\x1b[2J\n")
	f.Add(strings.Repeat("é", maxText))
	f.Fuzz(func(t *testing.T, text string) {
		got := printable(text)
		if !fit(got) {
			t.Errorf("%q", got)
		}
		if len(got) <= maxText && printable(got) != got {
			t.Errorf("%q became %q", got, printable(got))
		}
	})
}
