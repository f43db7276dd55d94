package config

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"text/template"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/hcl/v2"
)

// newSecretText makes a text that is good for every secret: 43 octets of base64url
// for 32 random ones.
func newSecretText() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// setSecrets sets the variables from which the examples of secrets in the schema
// take theirs, and returns what they hold by word.
func setSecrets(t testing.TB) map[string]string {
	t.Helper()
	given := make(map[string]string)
	var visit func(b *block)
	visit = func(b *block) {
		for _, w := range b.words {
			if !w.secret {
				continue
			}
			from := envCalls.FindStringSubmatch(w.like)
			if from == nil {
				t.Fatalf("the example of %s is no env(…), but %s", w.name, w.like)
			}
			given[w.name] = newSecretText()
			t.Setenv(from[1], given[w.name])
		}
		for _, inner := range b.blocks {
			visit(inner)
		}
	}
	visit(document)
	return given
}

func TestSecret(t *testing.T) {
	given := []byte(newSecretText())
	s := NewSecret(given)
	if s.Empty() || !bytes.Equal(s.Reveal(), given) {
		t.Error("what was put in doesn't come out")
	}
	given[0]++
	if bytes.Equal(s.Reveal(), given) {
		t.Error("it isn't a copy")
	}
	for _, none := range []Secret{{}, NewSecret(nil), NewSecret([]byte{})} {
		if !none.Empty() || none.Reveal() != nil {
			t.Errorf("%d octets in an empty secret", len(none.Reveal()))
		}
	}
}

// TestSecretHasNoPrintedForm prints a secret in every way that comes to mind, also
// as a part of something else.
func TestSecretHasNoPrintedForm(t *testing.T) {
	text := newSecretText()
	s := NewSecret([]byte(text))
	hidden := struct {
		secret  Secret
		pointer *Secret
		list    []Secret
	}{s, &s, []Secret{s}}
	c := &Config{TLS: TLS{TicketSecret: s, ACME: &ACME{EAB: &EAB{HMACKey: s}}}}
	var b bytes.Buffer
	things := []any{s, &s, hidden, &hidden, []Secret{s}, map[string]Secret{"a": s}, *c, c, *c.TLS.ACME.EAB, c.TLS.ACME.EAB}
	for _, thing := range things {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%q", "%d", "%o", "%b", "%c", "%U", "%t", "%e", "%p", "% x", "%T"} {
			fmt.Fprintf(&b, verb+"\n", thing)
		}
		fmt.Fprintln(&b, thing)
		fmt.Fprintln(&b, fmt.Errorf("wrong: %v", thing))
		_ = json.NewEncoder(&b).Encode(thing)
		_ = xml.NewEncoder(&b).Encode(thing)
		_ = template.Must(template.New("").Parse("{{.}}{{printf \"%v\" .}}\n")).Execute(&b, thing)
		for _, format := range []bool{false, true} {
			hclog.New(&hclog.LoggerOptions{Output: &b, JSONFormat: format}).Info("thing", "value", thing)
		}
		slog.New(slog.NewJSONHandler(&b, nil)).Info("thing", "value", thing)
		slog.New(slog.NewTextHandler(&b, nil)).Info("thing", "value", thing)
	}
	if !strings.Contains(b.String(), secretWord) {
		t.Error("nothing is printed for it")
	}
	for form, shown := range map[string]string{
		"text": text, "hexadecimal": fmt.Sprintf("%x", text), "HEXADECIMAL": fmt.Sprintf("%X", text), "spaced": fmt.Sprintf("% x", text),
		"decimal": strings.Trim(fmt.Sprint([]byte(text)), "[]"), "base64": base64.StdEncoding.EncodeToString([]byte(text)),
		"Go": strings.Trim(fmt.Sprintf("%#v", []byte(text)), "[]byte{}"),
	} {
		if strings.Contains(b.String(), shown) {
			t.Errorf("it is printed as %s", form)
		}
	}
}

func TestSecretsAreChecked(t *testing.T) {
	long := strings.Repeat("k", minTicketSecret)
	for _, test := range []struct {
		check func(string) (string, *fault)
		given string
		want  string // "" where it is refused
	}{
		{ticketSecret, long, long},
		{ticketSecret, long[1:], ""},
		{ticketSecret, "", ""},
		{ticketSecret, strings.Repeat("ü", minTicketSecret/2), strings.Repeat("ü", minTicketSecret/2)}, // octets count
		{hmacKey, "AAECAwQFBgcICQoLDA0ODw", "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"},
		{hmacKey, "AAECAwQFBgcICQoLDA0ODw==", "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"},
		{hmacKey, "__-_AwQFBgcICQoLDA0ODw", "\xff\xff\xbf\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"},
		{hmacKey, "AAECAwQFBgcICQoLDA0O", ""},         // 15 octets
		{hmacKey, "AAECAwQFBgcICQoLDA0ODw=", ""},      // half of the padding
		{hmacKey, "//+/AwQFBgcICQoLDA0ODw", ""},       // plain base64
		{hmacKey, "AAECAwQFBgcI\nCQoLDA0ODw", ""},     // two lines
		{hmacKey, "AAECAwQFBgcI CQoLDA0ODw", ""},      // two words
		{hmacKey, " AAECAwQFBgcICQoLDA0ODw==", ""},    // a word behind a blank
		{hmacKey, "AAECAwQFBgcICQoLDA0ODw==\r\n", ""}, // more than the one newline that is cut
		{hmacKey, "", ""},
	} {
		got, wrong := test.check(test.given)
		if (wrong != nil) != (test.want == "") || got != test.want {
			t.Errorf("%q gave %q, %v, want %q", test.given, got, wrong, test.want)
		}
	}
}

// TestBadSecretsAreNotTold gives secrets that are refused, as literals, by env and
// by file: the messages help without a part of them.
func TestBadSecretsAreNotTold(t *testing.T) {
	for _, test := range []struct{ word, value, summary string }{
		{"ticket_secret", newSecretText()[:minTicketSecret-1], "Secret too short"},
		{"hmac_key", newSecretText()[:16], "Secret too short"},
		{"hmac_key", newSecretText() + "+/", "Invalid key encoding"},
	} {
		t.Setenv("POPGATE_TEST_SECRET", test.value)
		dir := t.TempDir()
		write(t, dir+"/secret", test.value+"\n")
		for _, expression := range []string{`"` + test.value + `"`, `env("POPGATE_TEST_SECRET")`, `file("` + dir + `/secret")`} {
			diags, shown := leaky(t, secretLine(test.word+" = "+expression))
			if len(diags) != 1 || diags[0].Summary != test.summary || !strings.Contains(diags[0].Detail, test.word) {
				t.Errorf("%s: %v", test.word, diags)
			}
			notTold(t, test.word, test.value, shown)
			if !strings.Contains(shown, test.word+" = ") || strings.Contains(shown, "****") != (expression[0] == '"') {
				t.Errorf("shown is\n%s", shown)
			}
		}
	}
}

// secretLine is a configuration with one line in the block where its word belongs.
func secretLine(line string) string {
	if strings.HasPrefix(line, "ticket_secret") || strings.HasPrefix(line, "}") {
		return "tls {\n  self_signed = true\n  " + line + "\n}\nbackend \"legacy\" { address = \"10.0.0.5:110\" }\n"
	}
	return "tls {\n  acme {\n    hosts = [\"pop.example.com\"]\n    eab {\n      key_id = \"a\"\n      " + line + "\n    }\n  }\n}\nbackend \"legacy\" { address = \"10.0.0.5:110\" }\n"
}

// leaky loads src and returns its problems, with all that anybody could get to see
// of them.
func leaky(t *testing.T, src string) (hcl.Diagnostics, string) {
	t.Helper()
	before := strings.Clone(src)
	given := []byte(src)
	_, diags, files := Parse("config.hcl", given)
	if string(given) != before {
		t.Error("the octets that were given have changed")
	}
	var b strings.Builder
	for _, color := range []bool{false, true} {
		if err := WriteDiagnostics(&b, files, diags, color); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range diags {
		fmt.Fprintf(&b, "%s %s %v %+v\n", d.Summary, d.Detail, d, *d)
	}
	for _, f := range files {
		b.Write(f.Bytes)
	}
	return diags, b.String()
}

// notTold insists that no five octets of value stand in shown.
func notTold(t *testing.T, name, value, shown string) {
	t.Helper()
	const most = 5
	for i := range len(value) - most + 1 {
		if part := value[i : i+most]; strings.Contains(shown, part) {
			t.Errorf("%s: %q of the secret %q stands in\n%s", name, part, value, shown)
			return
		}
	}
}
