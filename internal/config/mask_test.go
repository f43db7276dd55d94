package config

import (
	"bytes"
	"crypto/rand"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// unreadableSecrets are lines in which S stands for a secret, all of them wrong.
var unreadableSecrets = map[string]string{
	"no quotes":                 `ticket_secret = S`,
	"no quotes, a digit first":  `ticket_secret = 9mS`,
	"no quotes, as a time":      `ticket_secret = 5mS`,
	"no quotes, with slashes":   `hmac_key = ab/S//S`,
	"no quotes, with signs":     `hmac_key = S+S=`,
	"no quotes, with a dot":     `hmac_key = S.S`,
	"no quotes, one line":       `hmac_key = S }`,
	"single quotes":             `ticket_secret = 'S'`,
	"typographic quotes":        `ticket_secret = “S”`,
	"no closing quote":          `ticket_secret = "S`,
	"no closing quote, ever":    "ticket_secret = \"S\nS",
	"no opening quote":          `ticket_secret = S"`,
	"something behind":          `ticket_secret = "S" S`,
	"a quote within":            `ticket_secret = "S"S"`,
	"bad escape":                `ticket_secret = "S\S"`,
	"bad escape of a letter":    `ticket_secret = "S\uS"`,
	"interpolation":             `ticket_secret = "S${S}S"`,
	"control":                   `ticket_secret = "S%{S}S"`,
	"control if":                `ticket_secret = "%{ if S }S%{ endif }"`,
	"open interpolation":        `ticket_secret = "S${S"`,
	"interpolation over lines":  "ticket_secret = \"${\n\"S\"\n}S\" + 1",
	"list":                      `ticket_secret = ["S"]`,
	"list over lines":           "ticket_secret = [\n\"S\",\n]",
	"object":                    `ticket_secret = { S = "S" }`,
	"object that is asked":      `ticket_secret = { a = "S" }.S`,
	"list that is asked":        `ticket_secret = ["S"]["S"]`,
	"sum":                       `ticket_secret = "S" + "S"`,
	"sum in brackets":           "ticket_secret = (\"a)\" +\n\"S\")",
	"condition":                 `ticket_secret = "S" ? "S" : "S"`,
	"function":                  `ticket_secret = S("S")`,
	"open function":             `ticket_secret = S(S`,
	"known function":            `ticket_secret = lower("S")`,
	"known function, two texts": `ticket_secret = env("PATH", "S")`,
	"splat":                     `ticket_secret = S[*].S`,
	"for":                       `ticket_secret = [for S in ["S"]: S]`,
	"heredoc":                   "ticket_secret = <<EOF\nS\nEOF\n]",
	"indented heredoc":          "ticket_secret = <<-EOF\n  S\n  EOF\n  self_signed = 5",
	"heredoc without end":       "ticket_secret = <<EOF\nS\n",
	"behind a comment":          "ticket_secret = /*\n*/ \"S\"",
	"in front of a comment":     `ticket_secret = "S" /* not long */`,
	"colon":                     `ticket_secret: "S"`,
	"no sign":                   `ticket_secret "S"`,
	"no sign, a block":          `ticket_secret "S" {}`,
	"quoted name":               `"ticket_secret" = "S"`,
	"misspelt":                  `ticket_secert = "S"`,
	"of another program":        `eab_mac_key = "S"`,
	"another name":              `session_secret = "S"`,
	"hyphen":                    `ticket-secret = "S"`,
	"twice":                     "ticket_secret = \"S\"\n  ticket_secret = \"S\"",
	"comment":                   "ticket_secret = [\n# ticket_secret = \"S\"\n]",
	"wrong line before":         "default_host = \"pop.example.com\n  ticket_secret = \"S\"",
	"wrong line behind":         "ticket_secret = \"S\"\n  default_host = \"pop.example.com",
	"open list before":          "from = [\n  ticket_secret = \"S\"",
	"brace too many":            "ticket_secret = \"S\"\n}",
	"one line of two":           `eab { key_id = "a" hmac_key = "S" }`,
	"one line, sign missing":    `eab { key_id "a", hmac_key = "S" }`,
	"carriage return":           "ticket_secret = \"S\" S\r\n",
	"not UTF-8":                 "ticket_secret = \"S\xff\xfeS",
	"NUL":                       "ticket_secret = \"S\x00\" \x00",
	"tabs":                      "ticket_secret\t=\t\"S\"\tS",
	"blanks within":             `ticket_secret = "S S" ]`,
	"at the top":                "}\nticket_secret = \"S\"\ntls {",
	"at the top, as a block":    "}\nticket_secret \"S\" {\n  a = 1\n}\ntls {",
}

// TestNoSecretIsShown: whatever is wrong with a secret, or around it, no part of it
// is in what is shown.
func TestNoSecretIsShown(t *testing.T) {
	for name, line := range unreadableSecrets {
		t.Run(name, func(t *testing.T) {
			secret := "S" + rand.Text()[:12]
			diags, shown := leaky(t, secretLine(strings.ReplaceAll(line, "S", secret)))
			if !diags.HasErrors() {
				t.Error("it is accepted")
			}
			notTold(t, name, secret, shown)
		})
	}
}

// TestMask shows what is masked, and that the rest is not.
func TestMask(t *testing.T) {
	for src, want := range map[string]string{
		`ticket_secret = "abc d" # not "this"`:   `ticket_secret = "*****" # not "this"`,
		`  hmac_key="a\"b" // not "this"`:        `  hmac_key="****" // not "this"`,
		`eab { hmac_key = "abc" }`:               `eab { hmac_key = "***" }`,
		`hmac_key = abc # what is this?`:         `hmac_key = *******************`,
		"hmac_key = \"abc\"\r\nkey_id = \"abc\"": "hmac_key = \"***\"\r\nkey_id = \"abc\"",
		"hmac_key = <<E\nabc\nE\nkey_id = \"a\"": "hmac_key = ***\n***\n*\nkey_id = \"a\"",
		`hmac_key = env("ABC")`:                  `hmac_key = env("ABC")`,
		`eab { hmac_key = file("a/b") } # c`:     `eab { hmac_key = file("a/b") } # c`,
		`hmac_key = ""`:                          `hmac_key = ""`,
		`hmac_key =`:                             `hmac_key =`,
		`key_file = "abc"`:                       `key_file = "abc"`,
		`route "secret" { backend = "b" }`:       `route "secret" { backend = "b" }`,
		`when = user.name == "secret"`:           `when = user.name == "secret"`,
		`secret = "ünï"`:                         `secret = "*****"`,
	} {
		file, _ := hclsyntax.ParseConfig([]byte(src), "config.hcl", hcl.InitialPos)
		shown, _ := mask([]byte(src), file.Body.(*hclsyntax.Body))
		if string(shown) != want {
			t.Errorf("%q is shown as\n%s, want\n%s", src, shown, want)
		}
	}
}

// FuzzMask insists that whatever hcl understands as a secret's value is masked,
// and that lines keep their places.
func FuzzMask(f *testing.F) {
	for _, line := range unreadableSecrets {
		f.Add([]byte(secretLine(line)))
	}
	f.Add([]byte(everyWord))
	f.Fuzz(func(t *testing.T, src []byte) {
		before := slices.Clone(src)
		file, diags := hclsyntax.ParseConfig(src, "config.hcl", hcl.InitialPos)
		body, _ := file.Body.(*hclsyntax.Body)
		shown, secrets := mask(src, body)
		if !bytes.Equal(src, before) || len(shown) != len(src) || bytes.Count(shown, []byte("\n")) != bytes.Count(src, []byte("\n")) {
			t.Fatalf("%q is shown as %q", before, shown)
		}
		concealed(diags, secrets)
		if body != nil {
			insistOnMask(t, shown, body)
		}
	})
}

func insistOnMask(t *testing.T, shown []byte, body *hclsyntax.Body) {
	for name, attr := range body.Attributes {
		if !slices.Contains(secretWords, name) || elsewhere(attr.Expr) {
			continue
		}
		at := attr.Expr.Range()
		if value := shown[at.Start.Byte:max(at.Start.Byte, at.End.Byte)]; len(bytes.Trim(value, "*\"\r\n")) > 0 {
			t.Fatalf("%s = %s", name, value)
		}
	}
	for _, b := range body.Blocks {
		insistOnMask(t, shown, b.Body)
	}
}

// FuzzSecretIsNotShown puts a line with a secret between any other text.
func FuzzSecretIsNotShown(f *testing.F) {
	for _, value := range []string{`"S"`, `S`, `5mS`, `"S${S}\S"`, `["S"].S`, "<<S\nS\nS", `"S`, `S(S)`} {
		f.Add("tls {", value, "}")
		f.Add("tls {\n  default_host = \"", value, "\"\n}")
		f.Add("tls {\n  default_host = \"${", value, "}\"\n}")
	}
	f.Fuzz(func(t *testing.T, before, value, behind string) {
		const secret = "Zq7xVw4"
		if strings.Contains(before+value+behind, secret) || strings.HasPrefix(value, "env(") || strings.HasPrefix(value, "file(") {
			t.Skip() // told elsewhere, or not a secret itself
		}
		// What HCL takes for the end of a value isn't known here but for its line.
		value, _, _ = strings.Cut(strings.ReplaceAll(value, "S", secret), "\n")
		_, shown := leaky(t, before+"\nticket_secret = "+value+"\n"+behind)
		if strings.Contains(shown, secret) {
			t.Errorf("%q is in\n%s", secret, shown)
		}
	})
}
