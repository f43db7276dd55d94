package config

import (
	"bytes"
	"crypto/rand"
	"regexp"
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
	"a key":                     `key = "S"`,
	"another key":               `eabkey = "S"`,
	"a MAC":                     `MAC = "S"`,
	"no sign, no quotes":        `ticket_secret S`,
	"no sign, single quotes":    `hmac_key 'S'`,
	"no sign, one line":         `} eab { hmac_key S }`,
	"called":                    `ticket_secret("S")`,
	"next line":                 "ticket_secret =\n  \"S\"",
	"next line, no quotes":      "hmac_key =\r\n\r\n  S",
	"next line, colon":          "ticket_secret:\n  S",
	"behind a comment line":     "ticket_secret = # here:\n  // or here:\n  \"S\"",
	"sign on the next line":     "ticket_secret\n  = \"S\"",
	"text on the next line":     "ticket_secret\n  \"S\"",
	"two lines":                 "ticket_secret = \"S\"\n  \"S\"",
	"two lines, no quote":       "ticket_secret = \"S\n  S\" \"",
	"sum over lines":            "ticket_secret = \"a\" + # first\n\n  \"S\" +\n  S",
	"sum, sign in front":        "ticket_secret = \"a\"\n  # second\n  + \"S\"",
	"sum with env":              "ticket_secret = env(\"PATH\")\n  + \"S\"",
	"condition over lines":      "ticket_secret = true ? \"a\" :\n  \"S\" z",
	"condition, signs in front": "ticket_secret = true\n  ? \"S\"\n  : \"S\" z",
	"brackets, two texts":       "ticket_secret = (\n  \"a\"\n  \"S\" z\n)",
	"brackets left open":        "ticket_secret = file(\n  \"S\"\n",
	"list, a text too many":     "ticket_secret = [\n  \"a\" z,\n  \"S\" z,\n]",
	"object, a text too many":   "ticket_secret = {\n  a = \"a\" z\n  b = \"S\" z\n}",
	"heredoc in brackets":       "ticket_secret = [<<EOF\n])}\nS\nEOF\n z z ]",
	"sum with a heredoc":        "ticket_secret = \"a\" + <<EOF\nS\nEOF\n",
	"block of one line":         `ticket_secret { "S" }`,
	"block":                     "ticket_secret {\n  \"S\"\n}",
	"block with a word":         `hmac_key { value = "S" }`,
	"block with a wrong word":   "ticket_secret {\n  a = 1\n  value = \"S\" x\n}",
	"block with two blocks":     "hmac_key {\n  a {\n    b = 1\n  }\n  value {\n    S = S\n  }\n}",
	"block left open":           "ticket_secret {\n  value = \"S\" x",
	"block with label":          "ticket_secret \"a\" {\n  value = \"S\" x\n}",
	"block with bare label":     "ticket_secret S {\n  value = \"S\" x\n}",
	"block with quoted name":    "\"hmac_key\" {\n  value = \"S\" x\n}",
	"block, brace below":        "ticket_secret\n{\n  value = \"S\" x\n}",
	"block of a key":            "key {\n  value = \"S\" x\n}",
	"taken for a word":          "hmac_key =\n      S = 5",
	"taken for a word, base64":  "hmac_key =\n      S=",
	"taken for a kind":          "}\nticket_secret =\nS {\n  S = \"\n}\ntls {",
	"taken for a label":         "}\nA\"\"\nticket_secret {\n  value = \"\"S\" x\n}\ntls {",
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

		// What is on other lines.
		"hmac_key =\n  \"abc\" # c\nkey_id = \"a\"":      "hmac_key =\n  \"***\" # c\nkey_id = \"a\"",
		"hmac_key =\n  env(\"ABC\")":                     "hmac_key =\n  env(\"ABC\")",
		"hmac_key = env(\"ABC\")\n  + \"abc\"":           "hmac_key = env(\"ABC\")\n*********",
		"hmac_key =\nkey_id = \"a\"":                     "hmac_key =\nkey_id = \"a\"",
		"hmac_key = abc=\nkey_id = \"a\"":                "hmac_key = ****\nkey_id = \"a\"",
		"hmac_key = \"abc\"\n\n# c\nother = 1":           "hmac_key = \"***\"\n\n# c\nother = 1",
		"hmac_key {\n  a = \"b\"\n}\nkey_id = \"a\"":     "hmac_key {\n*********\n*\nkey_id = \"a\"",
		"# a secret key\nlog {\n  level = \"info\"\n}":   "# a secret key\nlog {\n  level = \"info\"\n}",
		"tenant \"my_key\" { hosts = [\"a\"] }":          "tenant \"my_key\" { hosts = [\"a\"] }",
		"tenant \"a\" {\n  route \"key\" {\n  }\n}\n":    "tenant \"a\" {\n  route \"key\" {\n  }\n}\n",
		"key_id = \"a\"\ncert_file = \"b\"\nmac = \"c\"": "key_id = \"a\"\ncert_file = \"b\"\nmac = \"*\"",
	} {
		file, _ := hclsyntax.ParseConfig([]byte(src), "config.hcl", hcl.InitialPos)
		shown, _ := mask([]byte(src), file.Body.(*hclsyntax.Body))
		if string(shown) != want {
			t.Errorf("%q is shown as\n%s, want\n%s", src, shown, want)
		}
	}
}

// TestMaskEnds: where a text or bracket is left open, what is clearly no part of the
// secret is shown, unless hcl takes it for one.
func TestMaskEnds(t *testing.T) {
	for src, want := range map[string]string{
		"hmac_key = \"abc\n}\nlog {}":        "hmac_key = ****\n}\nlog {}",
		"hmac_key = \"abc\nkey_id = \"a\"":   "hmac_key = ****\nkey_id = \"a\"",
		"eab {\nhmac_key = f(abc\n}\nlog {}": "eab {\nhmac_key = *****\n}\nlog {}",
	} {
		if shown, _ := mask([]byte(src), nil); string(shown) != want {
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

// secretForms are the ways to write V, a line, where a secret is meant.
var secretForms = []string{
	"ticket_secret = V",
	"key = V",
	"mac: V",
	"hmac_key V",
	"hmac_key =\nV",
	"ticket_secret\n= V",
	"ticket_secret = \"a\" +\nV",
	"ticket_secret = \"a\"\n+ V",
	"ticket_secret = true ? \"a\" :\nV",
	"ticket_secret = true\n? \"a\"\n: V",
	"hmac_key = (\nV\n)",
	"ticket_secret { V }",
	"hmac_key {\nV\n}",
	"ticket_secret {\nvalue = V x\n}",
	"ticket_secret {\nvalue =\nV\n}",
	"hmac_key \"a\" {\nvalue = V x\n}",
}

// aside is a comment that is set off from the text before it, with all its quotes in
// pairs.
var aside = regexp.MustCompile(`^[ \t]*"(?:[^"\\]|\\.)*"[} \t]*[ \t]((?:#|//)(?:[^"]|"[^"]*")*)$`)

// FuzzSecretIsNotShown puts a secret, in all forms, between any other text.
func FuzzSecretIsNotShown(f *testing.F) {
	for _, value := range []string{`"S"`, `S`, `5mS`, `"S${S}\S"`, `["S"].S`, "<<S\nS\nS", `"S`, `S(S)`, `} S`, `# S`, `""#S`, `"" # S"`, `"" } S`} {
		for form := range secretForms {
			f.Add("tls {", value, "}", uint8(form))
			f.Add("tls {\n  default_host = \"", value, "\"\n}", uint8(form))
			f.Add("A", value+"\"", "}\"\n}", uint8(form))
			f.Add("A\"", "\""+value, "\xe7", uint8(form))
			f.Add("tls {\n  default_host = \"${", value, "}\"\n}", uint8(form))
		}
	}
	f.Add("0", "\r5mS", "\xe7", uint8(3))
	f.Add("tls{\n  default_host = \"${", "%mS", "}\"\n}", uint8(3))
	f.Add("tls{\n  default_host = \"${", "%S(1)", "}\"\n}", uint8(3))
	f.Fuzz(func(t *testing.T, before, value, behind string, form uint8) {
		const secret = "Zq7xVw4"
		// What HCL takes for the end of a value isn't known here but for its line.
		value, _, _ = strings.Cut(strings.ReplaceAll(value, "S", secret), "\n")
		begins := strings.TrimSpace(value)
		if strings.Contains(before+behind, secret) || strings.HasPrefix(begins, "env(") || strings.HasPrefix(begins, "file(") || isItem([]byte(begins)) {
			t.Skip() // told elsewhere, or not a secret itself
		}
		if m := aside.FindStringSubmatch(value); m != nil && strings.Contains(m[1], secret) {
			t.Skip() // a comment behind a text: see TestMask
		}
		_, shown := leaky(t, before+"\n"+strings.ReplaceAll(secretForms[int(form)%len(secretForms)], "V", value)+"\n"+behind)
		if strings.Contains(shown, secret) {
			t.Errorf("%q is in\n%s", secret, shown)
		}
	})
}
