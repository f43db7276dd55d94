package config

import (
	"strings"
	"testing"
)

// tangled are conditions that are written on several lines, with comments, or with
// what looks like one.
var tangled = []string{
	"(\n    user.local == \"joe\" # old ticket_secret: abc\n    || user.local == \"ann\"\n  )",
	"(true && /* not\nnow */ listener == \"pop3s\")",
	"user.local == \"# no /* comment */ // here\"",
	"user.local == \"\x1b]0;owned\x07\"",
	"user.local == \"a${user.domain /* b */}\\\"\\\\\"",
	"user.local == <<EOT\njoe # no comment\nEOT\n",
	"contains([\n    \"joe\", // one\n    # two\n    \"ann\",\n  ], user.local)",
	"{ a = 1 # one\n    b = 2 }[user.local] == 1",
	"(user.local ==\r\n \"joe\") // outside",
	"user.local == \"$${a} %%{b}\" ? true : !(listener != \"x\")",
}

func TestExpressionsAsWritten(t *testing.T) {
	for i, want := range []string{
		"(\n    user.local == \"joe\"\n    || user.local == \"ann\"\n  )",
		"(true &&   listener == \"pop3s\")",
		"user.local == \"# no /* comment */ // here\"",
		"user.local == \"\\u001b]0;owned\\u0007\"",
		"user.local == \"a${user.domain  }\\\"\\\\\"",
		"user.local == <<EOT\njoe # no comment\nEOT",
		"contains([\n    \"joe\",\n    \"ann\",\n  ], user.local)",
		"{ a = 1\n    b = 2 }[user.local] == 1",
		"(user.local ==\n \"joe\")",
		"user.local == \"$${a} %%{b}\" ? true : !(listener != \"x\")",
	} {
		for _, mark := range []string{"", "\ufeff"} {
			src := mark + least + "policy \"a\" {\n  deny = \"no\"\n  when = " + strings.TrimSuffix(tangled[i], "\n") + "\n}\n"
			c := parse(t, src)
			if got := c.expressions[c.Policies[0].When]; got != want {
				t.Errorf("%q gave\n%q, want\n%q", tangled[i], got, want)
			}
			sameAgain(t, c)
		}
	}
}

// TestExpressionsAskForNoValues insists that a condition can't take anything from
// the environment or a file, which Effective would show or leave out.
func TestExpressionsAskForNoValues(t *testing.T) {
	t.Setenv("POPGATE_TEST_VALUE", "joe")
	for _, call := range []string{"env(\"POPGATE_TEST_VALUE\")", "file(\"/etc/hostname\")"} {
		c, diags, _ := Parse("config.hcl", []byte(least+"policy \"a\" {\n  deny = \"no\"\n  when = user.local == "+call+"\n}\n"))
		if c != nil || diags[0].Summary != "Unknown function name" {
			t.Errorf("%s: %v", call, diags)
		}
	}
}
