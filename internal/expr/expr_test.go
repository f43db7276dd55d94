package expr

import (
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// joe is a login with something in each variable.
var joe = Vars{
	UserName: "Joe@Staff.Example", UserLocal: "Joe", UserDomain: "Staff.Example", UserTenant: "Acme",
	ClientIP: netip.MustParseAddr("::ffff:192.0.2.7"), ClientPort: 50123,
	TLSVersion: "1.3", TLSCipher: "TLS_AES_128_GCM_SHA256", ServerName: "Pop.Staff.example", Listener: "pop3s",
	Time: time.Date(2026, time.March, 1, 8, 5, 0, 0, time.FixedZone("", 3600)),
}

// parse reads an expression as a config file would.
func parse(t testing.TB, src string) hclsyntax.Expression {
	t.Helper()
	e, diags := hclsyntax.ParseExpression([]byte(src), "config.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatalf("parse %s: %v", src, diags)
	}
	return e
}

// compile compiles an expression that must be right.
func compile(t testing.TB, src string, want Type) *Program {
	t.Helper()
	p, diags := Compile(parse(t, src), want)
	if diags.HasErrors() {
		t.Fatalf("compile %s: %v", src, diags)
	}
	return p
}

func TestConditions(t *testing.T) {
	tests := []struct {
		src  string
		want bool
	}{
		{`user.domain == "staff.example" && !startswith(user.local, "test")`, true},
		{`user.name == "joe@staff.example"`, true},
		{`user["local"] == "joe"`, true},
		{`user.tenant == "Acme"`, true},
		{`client.ip == "192.0.2.7" && client.port == 50123`, true},
		{`cidrcontains("192.0.2.0/24", client.ip)`, true},
		{`!cidrcontains("192.0.2.0/29", client.ip)`, false},
		{`cidrcontains("192.0.2.0/24", "192.0.2.128/25")`, true},
		{`cidrcontains("192.0.2.0/24", "192.0.0.0/16")`, false},
		{`cidrcontains("192.0.2.77/24", client.ip)`, true},
		{`cidrcontains("2001:db8::/32", client.ip) || cidrcontains("192.0.2.0/24", client.ip)`, true},
		{`try(cidrcontains("2001:db8::/32", client.ip), false)`, false},
		{`tls.version == "1.3" && tls.server_name == "pop.staff.example"`, true},
		{`startswith(tls.cipher, "TLS_AES")`, true},
		{`listener == "pop3s" ? true : false`, true},
		{`time.hour == 8 && time.minute == 5`, true},
		{`time.weekday == "sunday" && time.date == "2026-03-01"`, true},
		{`time.hour >= 9 || time.hour * 60 + time.minute > 484`, true},
		{`contains(["a.example", "staff.example"], user.domain)`, true},
		{`contains(split(".", user.domain), "staff")`, true},
		{`contains([], user.domain)`, false},
		{`endswith(user.domain, ".example")`, true},
		{`can(regex("^j.e$", user.local))`, true},
		{`can(regex("(?i)^JOE$", user.local))`, true},
		{`can(regex("^[A-Z]", user.local))`, false},
		{`regexall("[aeiou]", user.local) == split(",", "o,e")`, true},
		{`"${user.local}" == "joe"`, true},
		{`"${client.port}x" == "50123x"`, true},
		{`-client.port < 0`, true},
		{`regex("^(x)?j", user.local)[0] == "x"`, false},
		{`upper(user.local) == "JOE"`, true},
	}
	env := NewEnv(joe)
	for _, tt := range tests {
		t.Run(tt.src, func(t *testing.T) {
			got, err := compile(t, tt.src, Bool).Bool(env)
			if err != nil || got != tt.want {
				t.Errorf("got %v, %v; want %v", got, err, tt.want)
			}
		})
	}
}

func TestTexts(t *testing.T) {
	tests := []struct{ src, want string }{
		{`user.local`, "Joe"},
		{`user.name`, "Joe@Staff.Example"},
		{`(user["name"])`, "Joe@Staff.Example"},
		{`"${user.name}"`, "Joe@Staff.Example"},
		{`"${user.local}+${user.domain}"`, "Joe+staff.example"},
		{`lower(user.local)`, "joe"},
		{`upper(user.local)`, "JOE"},
		{`join("%", split("@", user.name))`, "Joe%Staff.Example"},
		{`join("-", ["a", user.local], split(".", "b.c"))`, "a-Joe-b-c"},
		{`replace(user.name, "@", "%")`, "Joe%Staff.Example"},
		{`replace(user.local, "", "-")`, "-J-o-e-"},
		{`replace(user.name, "/^(.*)@(?P<d>.*)$/", "$d+$1")`, "Staff.Example+Joe"},
		{`replace(user.local, "/x*/", "-")`, "-J-o-e-"},
		{`replace(user.local, "/", "-")`, "Joe"},
		{`trimprefix(user.local, "J")`, "oe"},
		{`trimsuffix(user.local, "e")`, "Jo"},
		{`format("%s-%05d %v %.1f%%", user.local, client.port, true, time.minute)`, "Joe-50123 true 5.0%"},
		{`regex("^[^@]+", user.name)`, "Joe"},
		{`regex("^([^@]+)@(.*)$", user.name)[1]`, "Staff.Example"},
		{`regex("^(?P<who>[^@]+)@(?P<where>.*)$", user.name).who`, "Joe"},
		{`regexall("([a-z])([a-z])", user.name)[1][0]`, "t"},
		{`try(split("@", user.name)[7], "none")`, "none"},
		{`try(regex("y+", user.name), regex("J", user.name))`, "J"},
		{`{ Joe = "one", (lower("X")) = "two" }[user.local]`, "one"},
		{`{ Joe = "one", pop3s = "two" }[listener]`, "two"},
		{`["a", "b"][time.minute - 4]`, "b"},
		{`user.local == "Joe" ? "boss" : user.local`, "boss"},
		{`"%{ if user.tenant == "" }none%{ else }${user.tenant}%{ endif }"`, "Acme"},
		{`"always"`, "always"},
	}
	env := NewEnv(joe)
	for _, tt := range tests {
		t.Run(tt.src, func(t *testing.T) {
			got, err := compile(t, tt.src, Text).Text(env)
			if err != nil || got != tt.want {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

// Names as typed and as keys differ; a rule must not be dodged by the way in
// which a name is written.
func TestNamesInConditionsAndTexts(t *testing.T) {
	bare := NewEnv(Vars{UserName: "JOE", UserLocal: "JOE", UserDomain: "acme.example"})
	if ok, err := compile(t, `user.name == "joe@acme.example" && user.local == "joe"`, Bool).Bool(bare); !ok {
		t.Errorf("condition on a bare name: %v, %v; want true", ok, err)
	}
	if s, err := compile(t, `user.name`, Text).Text(bare); s != "JOE" {
		t.Errorf("text of a bare name: %q, %v; want JOE", s, err)
	}
	none := NewEnv(Vars{UserName: "JOE", UserLocal: "JOE"})
	if ok, err := compile(t, `user.name == "joe" && user.domain == "" && client.ip == ""`, Bool).Bool(none); !ok {
		t.Errorf("condition without a domain: %v, %v; want true", ok, err)
	}
	// U+212A folds to k in Unicode, not in ASCII.
	kelvin := NewEnv(Vars{UserName: "\u212aim", UserLocal: "\u212aim"})
	if ok, _ := compile(t, `user.local == "kim"`, Bool).Bool(kelvin); ok {
		t.Error("a Kelvin sign was taken for a k")
	}
	// Text that is just a variable keeps its bytes; HCL's strings are in NFC.
	nfd := NewEnv(Vars{UserName: "e\u0301", UserLocal: "e\u0301"})
	if s, _ := compile(t, `user.local`, Text).Text(nfd); s != "e\u0301" {
		t.Errorf("bytes of a bare variable changed: %q", s)
	}
	if s, _ := compile(t, `trimsuffix(user.local, "x")`, Text).Text(nfd); s != "\u00e9" {
		t.Errorf("computed text isn't in normal form C: %q", s)
	}
}

func TestConstant(t *testing.T) {
	tests := []struct {
		src  string
		typ  Type
		want cty.Value
	}{
		{`true`, Bool, cty.True},
		{`1 + 1 == 3`, Bool, cty.False},
		{`true || user.local == "a"`, Bool, cty.True},
		{`user.local == "a" && false`, Bool, cty.False},
		{`can(regex("b", "abc"))`, Bool, cty.True},
		{`lower("ABC")`, Text, cty.StringVal("abc")},
		{`user.local == "a"`, Bool, cty.NilVal},
		{`user.local`, Text, cty.NilVal},
		{`can(regex("a", user.local))`, Bool, cty.NilVal},
	}
	for _, tt := range tests {
		got, ok := compile(t, tt.src, tt.typ).Constant()
		if ok != (tt.want != cty.NilVal) || ok && !got.RawEquals(tt.want) {
			t.Errorf("%s: got %#v, %v", tt.src, got, ok)
		}
	}
	// A constant program needs no login.
	if ok, err := compile(t, `!false`, Bool).Bool(nil); !ok || err != nil {
		t.Errorf("constant without a login: %v, %v", ok, err)
	}
}

func TestRunTimeErrors(t *testing.T) {
	long := strings.Repeat("x", 2000)
	tests := []struct {
		src  string
		typ  Type
		vars Vars
		want string
	}{
		{`cidrcontains("192.0.2.0/24", client.ip)`, Bool, Vars{ClientIP: netip.MustParseAddr("2001:db8::1")}, "IPv6"},
		{`cidrcontains("192.0.2.0/24", client.ip)`, Bool, Vars{}, "unable to parse"},
		{`cidrcontains(user.domain, client.ip)`, Bool, joe, "containing_prefix"},
		{`regex("^x", user.name)`, Text, joe, "doesn't match"},
		{`split("@", user.name)[2]`, Text, joe, "index"},
		{`{ a = "b" }[user.local]`, Text, joe, "key"},
		{`regex("^(x)?", user.name)[0]`, Text, joe, "null"},
		{`"${regex("^(x)?", user.name)[0]}-"`, Text, joe, "null"},
		{`lower(regex("^(x)?", user.name)[0])`, Text, joe, "null"},
		{`client.port / time.hour == 0`, Bool, Vars{}, "zero"},
		{`replace(user.name, "x", user.name)`, Text, Vars{UserName: long}, "longer than 4096"},
		{`replace(user.name, "/x/", "$0$0$0")`, Text, Vars{UserName: long}, "longer than 4096"},
		{`join(user.name, split("", user.name))`, Text, Vars{UserName: long}, "longer than 4096"},
		{`format("%s%s%s", user.name, user.name, user.name)`, Text, Vars{UserName: long}, "longer than 4096"},
		{`"${user.name}${user.name}${user.name}"`, Text, Vars{UserName: long}, "longer than 4096"},
		{`user.name`, Text, Vars{UserName: strings.Repeat("x", maxText+1)}, "longer than 4096"},
		{`try(regex("^x", user.name), regex("^y", user.name))`, Text, joe, "no expression succeeded"},
	}
	for _, tt := range tests {
		t.Run(tt.src, func(t *testing.T) {
			p, env := compile(t, tt.src, tt.typ), NewEnv(tt.vars)
			var err error
			if tt.typ == Bool {
				_, err = p.Bool(env)
			} else {
				_, err = p.Text(env)
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v; want an error with %q", err, tt.want)
			}
			checkErrorText(t, err)
		})
	}
}

// checkErrorText insists that an error can be logged as it is.
func checkErrorText(t testing.TB, err error) {
	t.Helper()
	s := err.Error()
	if len(s) > 2*maxError || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		t.Errorf("error isn't one bounded, printable line: %q", s)
	}
}

func TestErrorsDontCarryControlBytes(t *testing.T) {
	p := compile(t, `cidrcontains(user.name, client.ip)`, Bool)
	_, err := p.Bool(NewEnv(Vars{UserName: "\x1b[31m\r\n\u0085\xff" + strings.Repeat("é", 5000)}))
	if err == nil {
		t.Fatal("got no error")
	}
	checkErrorText(t, err)
}

func TestWrongUse(t *testing.T) {
	if _, err := compile(t, `true`, Bool).Text(NewEnv(joe)); err == nil {
		t.Error("a condition gave a text")
	}
	if _, err := compile(t, `"a"`, Text).Bool(NewEnv(joe)); err == nil {
		t.Error("a text gave a bool")
	}
	for _, e := range []hcl.Expression{nil, hcl.StaticExpr(cty.True, hcl.Range{Filename: "x"})} {
		if p, diags := Compile(e, Bool); p != nil || !diags.HasErrors() || diags[0].Subject == nil {
			t.Errorf("foreign expression %T: %v, %v", e, p, diags)
		}
	}
}

// Programs are shared by all sessions; each login has its own Env.
func TestProgramIsSharedByGoroutines(t *testing.T) {
	p := compile(t, `contains(regexall("[a-z]+", user.name), user.local) && user.name == "${user.local}@a.example"`, Bool)
	var wg sync.WaitGroup
	errs := make(chan error, 8)
	for i := range 8 {
		wg.Go(func() {
			local := strings.Repeat("a", i+1)
			for range 50 {
				ok, err := p.Bool(NewEnv(Vars{UserName: local + "@a.example", UserLocal: local, UserDomain: "a.example"}))
				if err != nil || !ok {
					errs <- errors.Join(err, errors.New("wrong result for "+local))
					return
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
}
