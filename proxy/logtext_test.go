package proxy

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/go-hclog"
)

func TestForeign(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"empty", "", ""},
		{"plain", "joe@example.com", "joe@example.com"},
		{"space", "joe doe", "joe doe"},
		{"other alphabets", "jörg 你好", "jörg 你好"},
		{"line feed", "joe\nERROR forged", `joe\x0aERROR forged`},
		{"carriage return", "a\rb", `a\x0db`},
		{"NUL", "a\x00b", `a\x00b`},
		{"escape", "\x1b[2J", `\x1b[2J`},
		{"DEL", "a\x7fb", `a\x7fb`},
		{"tab", "a\tb", `a\x09b`},
		{"equals sign", "a end=quit", `a end\x3dquit`},
		{"quote", `a" end="quit`, `a\x22 end\x3d\x22quit`},
		{"backslash", `a\x0ab`, `a\x5cx0ab`},
		{"invalid UTF-8", "jo\xff\xc3", `jo\xff\xc3`},
		{"the replacement character itself", "a\ufffdb", "a\ufffdb"},
		{"C1", "a\u0085b", `a\u{85}b`},
		{"no-break space", "a\u00a0b", `a\u{a0}b`},
		{"line separator", "a\u2028b", `a\u{2028}b`},
		{"right-to-left override", "a\u202eb", `a\u{202e}b`},
		{"tag characters", "a\U000e0041b", `a\u{e0041}b`},
		{"as long as may be", strings.Repeat("x", maxForeign), strings.Repeat("x", maxForeign)},
		{"too long", strings.Repeat("x", maxForeign+1), strings.Repeat("x", maxForeign) + "..."},
		{"cut inside a letter", strings.Repeat("x", maxForeign-1) + "é", strings.Repeat("x", maxForeign-1) + `\xc3...`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := foreign(tt.text); got != tt.want {
				t.Errorf("foreign(%q) = %q; want %q", tt.text, got, tt.want)
			}
		})
	}
}

// FuzzForeign: whatever a stranger sends stays one bounded, printable value,
// in both formats of the log.
func FuzzForeign(f *testing.F) {
	for _, text := range []string{"joe", "a\nb", "\xff\xfe", `\`, `"=`, "\u202e", strings.Repeat("\n", 300), "a end=quit"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := foreign(text)
		if !utf8.ValidString(got) {
			t.Fatalf("foreign(%q) = %q is no UTF-8", text, got)
		}
		if strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) || r == '"' || r == '=' }) {
			t.Fatalf("foreign(%q) = %q", text, got)
		}
		if len(got) > 4*maxForeign+len("...") {
			t.Fatalf("%d octets of %d", len(got), len(text))
		}
		if len(text) <= maxForeign && strings.Count(got, `\`) == 0 && got != text {
			t.Fatalf("foreign(%q) = %q: changed without an escape", text, got)
		}
		checkOneEvent(t, got)
	})
}

// checkOneEvent logs a value and insists that it makes one line and no key.
func checkOneEvent(t *testing.T, value string) {
	t.Helper()
	var out bytes.Buffer
	hclog.New(&hclog.LoggerOptions{Output: &out, DisableTime: true}).Info("session", "user", value, "end", "quit")
	line, ok := strings.CutSuffix(out.String(), " end=quit\n")
	if !ok || strings.Contains(line, "\n") || strings.Count(line, "=") != 1 {
		t.Fatalf("%q makes the text line %q", value, out.String())
	}
	out.Reset()
	hclog.New(&hclog.LoggerOptions{Output: &out, JSONFormat: true}).Info("session", "user", value, "end", "quit")
	var event map[string]any
	if err := json.Unmarshal(out.Bytes(), &event); err != nil || event["user"] != value || event["end"] != "quit" {
		t.Fatalf("%q makes the JSON line %q, %v", value, out.String(), err)
	}
}
