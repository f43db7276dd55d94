package relay

import (
	"strings"
	"testing"
)

func TestJudge(t *testing.T) {
	for _, test := range []struct {
		line string
		want verdict
	}{
		{"STAT\r\n", oneLine},
		{"sTaT\r\n", oneLine},
		{"STAT 1\r\n", oneLine},
		{"LIST\r\n", manyLines},
		{"LIST \r\n", manyLines},
		{"LIST   \r\n", manyLines},
		{"LIST 1\r\n", oneLine},
		{"LIST  1 \r\n", oneLine},
		{"list x\r\n", oneLine},
		{"UIDL\r\n", manyLines},
		{"uidl 2\r\n", oneLine},
		{"RETR 1\r\n", manyLines},
		{"RETR\r\n", manyLines},
		{"TOP 1 0\r\n", manyLines},
		{"NOOP\r\n", oneLine},
		{"RSET\r\n", oneLine},
		{"CAPA\r\n", manyLines},
		{"QUIT\r\n", oneLine},
		{"quit now\r\n", oneLine},
		{"RETR \xff\xc2\x85\r\n", manyLines}, // arguments are the backend's affair
		{"RETR 1 DELE 1\r\n", manyLines},

		{"DELE 1\r\n", noDelete},
		{"dele\r\n", noDelete},
		{"DELE  \r\n", noDelete},
		{"DELETE 1\r\n", noCommand},
		{"\r\n", noCommand},
		{" STAT\r\n", noCommand},
		{"STATS\r\n", noCommand},
		{"STA\r\n", noCommand},
		{"STQT\r\n", noCommand},
		{"S4AT\r\n", noCommand},
		{"AUTH PLAIN AGEAYg==\r\n", noCommand},
		{"STLS\r\n", noCommand},
		{"XTND XMIT\r\n", noCommand},
		{"LAST\r\n", noCommand},
		{"USER a\r\n", noCommand},
		{"PASS b\r\n", noCommand},
		{"APOP a b\r\n", noCommand},
		{"UTF8\r\n", noCommand},
		{"LANG *\r\n", noCommand},
		{"\u017fTAT\r\n", noCommand},
		{"QU\u0130T\r\n", noCommand},
		{"STAT\u00a0\r\n", noCommand},
		{"L\u0131ST\r\n", noCommand},

		{"STAT\n", noCRLF},
		{"DELE 1\n", noCRLF},
		{"\n", noCRLF},
		{"QUIT\n", noCRLF},
		{"STAT\r\r\n", noControl},
		{"NOOP\rDELE 1\r\n", noControl},
		{"DELE 1\r\r\n", noControl},
		{"STAT\t1\r\n", noControl},
		{"RETR 1\x00\r\n", noControl},
		{"\x00\r\n", noControl},
		{"RETR 1\x7f\r\n", noControl},
		{"RETR 1\x0bDELE 1\r\n", noControl},
	} {
		got := judge([]byte(test.line))
		if got != test.want {
			t.Errorf("%q: verdict %d, want %d", test.line, got, test.want)
		}
		refusal := ""
		if got.refusal() {
			refusal = string(refusals[got])
		}
		if want := refusalOf(test.line); refusal != want {
			t.Errorf("%q is answered by %q, want %q", test.line, refusal, want)
		}
	}
}

// RFC 1939 §3: at most 512 octets with CRLF, one line each. No response code:
// none is registered for this.
func TestRefusals(t *testing.T) {
	for v := noDelete; int(v) < len(refusals); v++ {
		text := string(refusals[v])
		if !strings.HasPrefix(text, "-ERR ") || strings.Index(text, "\r\n") != len(text)-2 ||
			strings.ContainsAny(text[:len(text)-2], controls) || strings.Contains(text, "[") || len(text) > 512 {
			t.Errorf("%q is no status line", text)
		}
		if !v.refusal() {
			t.Errorf("%q is no refusal", text)
		}
	}
}

func BenchmarkJudge(b *testing.B) {
	line := []byte("RETR 1234\r\n")
	b.ReportAllocs()
	for b.Loop() {
		if judge(line) != manyLines {
			b.Fatal("refused")
		}
	}
}
