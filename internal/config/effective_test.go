package config

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"popgate/internal/expr"
)

// maskedSecret is a word with what Effective shows in the place of a secret.
var maskedSecret = regexp.MustCompile(`(?m)^( *(?:` + strings.Join(secretWords, "|") + `) +=) "\[secret\]"$`)

// sameAgain insists that Effective shows all of c but for its secrets, which it
// changes: what it shows can be loaded, and gives the same.
func sameAgain(t *testing.T, c *Config) {
	t.Helper()
	canary := newSecretText()
	for _, s := range secrets(c) {
		if !s.Empty() {
			*s = NewSecret([]byte(canary))
		}
	}
	text := Effective(c)
	notTold(t, "Effective", canary, text)
	src := maskedSecret.ReplaceAllString(text, `$1 "`+canary+`"`)
	again, diags, files := Parse("config.hcl", []byte(src))
	if again == nil {
		t.Fatalf("it can't be loaded:\n%s\n%s", text, messages(t, files, diags))
	}
	if second := Effective(again); second != text {
		t.Errorf("got\n%s\nthe second time\n%s", text, second)
	}
	if got, want := bare(again), bare(c); !reflect.DeepEqual(got, want) || !reflect.DeepEqual(*again, *c) {
		t.Errorf("got  %+v %q\nwant %+v %q\nfrom\n%s", again, got, c, want, text)
	}
}

// secrets returns all that c has.
func secrets(c *Config) []*Secret {
	list := []*Secret{&c.TLS.TicketSecret}
	if c.TLS.ACME != nil && c.TLS.ACME.EAB != nil {
		list = append(list, &c.TLS.ACME.EAB.HMACKey)
	}
	return list
}

// bare takes from c what can't be compared, or may differ after Effective, and
// returns the texts of its expressions, "nil" where there is none.
func bare(c *Config) (expressions []string) {
	for _, s := range secrets(c) {
		if !s.Empty() {
			*s = Secret{}
		}
	}
	c.Admin.Written = true
	if c.TLS.ACME != nil {
		c.TLS.ACME.HTTP.Written, c.TLS.ACME.HTTPS.Written = true, true
	}
	take := func(p **expr.Program) {
		text := "nil"
		if *p != nil {
			text = c.expressions[*p]
		}
		expressions = append(expressions, text)
		*p = nil
	}
	all := [][]Route{c.Routes}
	policies := [][]Policy{c.Policies}
	for _, t := range c.Tenants {
		all, policies = append(all, t.Routes), append(policies, t.Policies)
	}
	for _, routes := range all {
		for i := range routes {
			take(&routes[i].When)
			take(&routes[i].Login)
		}
	}
	for _, list := range policies {
		for i := range list {
			take(&list[i].When)
		}
	}
	c.expressions = nil
	return expressions
}

func TestEffective(t *testing.T) {
	setSecrets(t)
	for name, src := range map[string]string{"every word": everyWord, "least": least} {
		t.Run(name, func(t *testing.T) { sameAgain(t, parse(t, src)) })
	}
	for name, src := range examples(t) {
		t.Run(name, func(t *testing.T) {
			c, diags, files := parseExample(t, src)
			if c == nil {
				t.Fatal(messages(t, files, diags))
			}
			sameAgain(t, c)
		})
	}
}

// TestEffectiveOfEachWord gives each word values that it can have.
func TestEffectiveOfEachWord(t *testing.T) {
	setSecrets(t)
	shown := 0
	var visit func(path []*block)
	visit = func(path []*block) {
		b := path[len(path)-1]
		for i := range b.words {
			w := &b.words[i]
			values := []string{w.like}
			switch w.kind {
			case kindTexts:
				values = append(values, "[]")
			case kindNumber:
				values = append(values, fmt.Sprint(w.least), fmt.Sprint(w.most))
			case kindFlag:
				values = append(values, "false", "true")
			case kindPeriod:
				values = append(values, Quote(w.from.String()), Quote((w.from + time.Nanosecond).String()), Quote(w.to.String()))
			case kindRate:
				values = append(values, `"1/s"`, `"2/m"`, `"1000000/h"`, `"off"`)
			case kindText:
				values = append(values, `"off"`, `"a${"$"}{b}%%{c} \\ \" ü"`)
			}
			for _, choice := range w.oneOf {
				values = append(values, Quote(choice), "["+Quote(choice)+"]")
			}
			for _, value := range values {
				src, _ := setting(path, w, value)
				c, _, _ := Parse("config.hcl", []byte(src))
				if c == nil {
					continue // TestWords tells which are allowed
				}
				shown++
				t.Run(b.name+"."+w.name+" = "+value, func(t *testing.T) { sameAgain(t, c) })
			}
		}
		for _, inner := range b.blocks {
			visit(append(path[:len(path):len(path)], inner))
		}
	}
	visit([]*block{document})
	if shown < 250 {
		t.Errorf("%d values only", shown)
	}
}

// TestEffectiveHasEveryWord insists that everyWord comes out with each word of the
// schema, and that no value is given to a word that isn't there.
func TestEffectiveHasEveryWord(t *testing.T) {
	setSecrets(t)
	missing := make(map[string]bool)
	var note func(b *block)
	note = func(b *block) {
		for _, w := range b.words {
			missing[b.title()+"."+w.name] = true
		}
		for _, inner := range b.blocks {
			note(inner)
		}
	}
	note(document)
	var visit func(p part)
	visit = func(p part) {
		for name, v := range p.words {
			w := p.is.word(name)
			switch {
			case w == nil && !reflect.ValueOf(&v).Elem().IsZero() && !reflect.ValueOf(v).IsZero():
				t.Errorf("%s has no word %s for %v", p.is.title(), name, v)
			case w != nil && literal(w, v, "") != "":
				delete(missing, p.is.title()+"."+name)
			}
		}
		for _, inner := range p.blocks {
			if !slices.Contains(p.is.blocks, inner.is) {
				t.Errorf("%s has no block %s", p.is.title(), inner.is.title())
			}
			visit(inner)
		}
	}
	visit(parse(t, everyWord).whole())
	if len(missing) > 0 {
		t.Errorf("not shown: %q", slices.Sorted(maps.Keys(missing)))
	}
}

// TestEffectiveMasksSecrets insists that what stands in a secret's place tells not
// even its length, and is no secret that somebody could go on with.
func TestEffectiveMasksSecrets(t *testing.T) {
	var texts []string
	for _, n := range []int{32, 33, 1000} {
		t.Setenv("POPGATE_TICKET_SECRET", strings.Repeat("k", n))
		texts = append(texts, Effective(parse(t, strings.Replace(least, "self_signed", "ticket_secret = env(\"POPGATE_TICKET_SECRET\")\nself_signed", 1))))
	}
	if texts[0] != texts[1] || texts[0] != texts[2] || strings.Contains(texts[0], "kkk") {
		t.Errorf("got %q", texts)
	}
	if !strings.Contains(texts[0], `ticket_secret = "[secret]"`) {
		t.Errorf("no trace of the secret in\n%s", texts[0])
	}
	for _, word := range secretWords {
		if c, _, _ := Parse("config.hcl", []byte(secretLine(word+" = "+Quote(secretWord)))); c != nil {
			t.Errorf("%s can be %q", word, secretWord)
		}
	}
	if text := Effective(parse(t, least)); strings.Contains(text, "secret") {
		t.Errorf("a secret out of nothing:\n%s", text)
	}
}

// TestEffectiveOfDefaults insists that what isn't written is shown with what holds.
func TestEffectiveOfDefaults(t *testing.T) {
	text := Effective(parse(t, strings.Replace(least, "self_signed = true", "acme {\n    hosts = [\"pop.example.com\"]\n    https_address = \"off\"\n  }", 1)))
	for _, want := range []string{
		"\nlistener \"pop3s\" {\n  address = \":995\"\n  tls     = \"implicit\"\n}\n",
		"\n    directory     = \"letsencrypt\"\n",
		"\n    http_address  = \":80\"\n    https_address = \"off\"\n",
		"\n  connections     = 0\n",
		"\n  connections_per_tenant   = 0\n",
		"\n  login_rate               = \"30/m\"\n",
		"\n  remember          = \"720h\"\n",
		"\n  backend_login = \"2m\"\n",
		"\nadmin {\n  socket = \"/run/popgate/admin.sock\"\n  pprof  = false\n}\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q isn't in\n%s", want, text)
		}
	}
}

// FuzzEffective insists that any configuration that can be used is shown whole.
func FuzzEffective(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, src []byte) {
		if c, _, _ := Parse("config.hcl", src); c != nil {
			sameAgain(t, c)
		}
	})
}

// FuzzEffectiveValues does so for what can hold nearly anything: a text, a path and
// expressions.
func FuzzEffectiveValues(f *testing.F) {
	for _, when := range tangled {
		f.Add("office ${network} only", "lists/office", when, "\"${user.local}%%{x}\"")
	}
	f.Fuzz(func(t *testing.T, deny, file, when, login string) {
		src := least + "networks \"office\" {\n  file = " + Quote(file) + "\n}\n" +
			"policy \"a\" {\n  deny = " + Quote(deny) + "\n  when = " + when + "\n}\n" +
			"route \"a\" {\n  backend = \"legacy\"\n  login = " + login + "\n}\n"
		if c, _, _ := Parse("config.hcl", []byte(src)); c != nil {
			sameAgain(t, c)
		}
	})
}
