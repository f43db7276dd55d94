package config

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

func TestQuote(t *testing.T) {
	for given, want := range map[string]string{
		"":                       `""`,
		"pop.example.com":        `"pop.example.com"`,
		`"\`:                     `"\"\\"`,
		"${a} %{if} $ % {":       `"$${a} %%{if} $ % {"`,
		"$${ $%{ $":              `"$$${ $%%{ $"`,
		"\n\r\t\x00\x1b\x7f":     `"\n\r\t\u0000\u001b\u007f"`,
		"\u202e\u00a0\U000e0001": `"\u202e\u00a0\U000e0001"`,
		"bücher":                 `"bücher"`,
		"\xff":                   "\"\ufffd\"",
	} {
		if got := Quote(given); got != want {
			t.Errorf("%q gave %s, want %s", given, got, want)
		}
	}
}

// FuzzQuote insists that each text in quotes means that text, and shows nothing
// but visible characters.
func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "$${", "%%{", "$$${x}", "$", "%", "${a}", "a$${b}", "$%{", "\x00\x7f\u202e\U000e0001", "\"\\", "\xff", "e\u0301", "off"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		quoted := Quote(s)
		if strings.ContainsFunc(quoted, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q gave %q", s, quoted)
		}
		e, diags := hclsyntax.ParseExpression([]byte(quoted), "quoted", hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatalf("%q gave %s: %v", s, quoted, diags)
		}
		got, diags := e.Value(nil)
		if diags.HasErrors() || utf8.ValidString(s) && !got.RawEquals(cty.StringVal(s)) {
			t.Errorf("%q gave %s, which is %#v: %v", s, quoted, got, diags)
		}
	})
}

// TestListsAreWrapped insists on lines of a bounded length.
func TestListsAreWrapped(t *testing.T) {
	var texts []string
	for range 40 {
		texts = append(texts, "192.0.2.128/25")
	}
	lines := strings.Split(list(texts, "    "), "\n")
	if len(lines) < 8 || lines[0] != "[" || lines[len(lines)-1] != "    ]" {
		t.Errorf("got %q", lines)
	}
	for _, line := range lines {
		if len(line) > lineRoom {
			t.Errorf("%d octets in %q", len(line), line)
		}
	}
}
