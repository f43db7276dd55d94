package expr

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// FuzzProgram compiles any text and evaluates what compiles with any values.
// Nothing panics; a refusal has the house form; a result has the promised
// type, the promised bounds and is the same twice; a constant is constant.
func FuzzProgram(f *testing.F) {
	for _, src := range []string{
		`user.domain == "staff.example" && !startswith(user.local, "test")`,
		`cidrcontains("192.0.2.0/24", client.ip) || time.hour > 8`,
		`can(regex("^(?P<a>x)(?P<b>y)?$", user.local).b)`,
		`regex("(a)|(b)", user.name)[1] == "b"`,
		`replace(user.name, "/(.*)@(.*)/", "$2+$1")`,
		`try(split("@", user.name)[client.port], format("%05d", client.port))`,
		`contains([1, 2], time.hour % 2)`,
		`{ a = "b", "c" = user.name }[user.tenant]`,
		`"a%{ if true }${user.local}%{ endif }"`,
		`join(user.name, split("", user.name), ["x"])`,
		`upper(trimsuffix(trimprefix(listener, "p"), "s"))`,
		"[for x in [1]: x][*].a ? null : -1e99",
		"<<E\n${tls.version}\nE\n",
		"1e2147483647 == 1 + ",
		`contains(client.networks, "office") && auth.mechanism != "PLAIN"`,
		`join(auth.mechanism, client.networks, split(",", user.name))`,
	} {
		f.Add(src, "joe@staff.example", "joe", "staff.example", uint16(995), []byte{192, 0, 2, 1})
	}
	f.Add(`user.name`, "\xff\x00\u0085", "e\u0301", "\u212a", uint16(0), []byte{})
	f.Fuzz(func(t *testing.T, src, name, local, domain string, port uint16, ip []byte) {
		if len(src) > 1024 {
			return // the parser isn't ours
		}
		// What the parser makes of a wrong text is compiled all the same.
		e, _ := hclsyntax.ParseExpression([]byte(src), "config.hcl", hcl.InitialPos)
		addr, _ := netip.AddrFromSlice(ip)
		vars := Vars{UserName: name, UserLocal: local, UserDomain: domain, UserTenant: local, ClientIP: addr,
			ClientPort: port, ServerName: domain, Listener: name, Mechanism: "LOGIN",
			Networks: func() []string { return slices.DeleteFunc([]string{name, local, domain}, isEmpty) }, Time: time.Unix(int64(port)*3600, 0).UTC()}
		for _, typ := range []Type{Bool, Text} {
			p, diags := Compile(e, typ)
			if p == nil {
				checkDiagnostics(t, diags)
				continue
			}
			checkProgram(t, p, vars)
		}
	})
}

func isEmpty(s string) bool { return s == "" }

// checkProgram evaluates p and checks what it promises.
func checkProgram(t *testing.T, p *Program, vars Vars) {
	t.Helper()
	run := func(v Vars) (cty.Value, error) {
		env := NewEnv(v)
		if p.want == Bool {
			b, err := p.Bool(env)
			return cty.BoolVal(b), err
		}
		s, err := p.Text(env)
		if len(s) > maxText {
			t.Errorf("text of %d bytes", len(s))
		}
		return cty.StringVal(s), err
	}
	first, err := run(vars)
	second, err2 := run(vars)
	if !first.RawEquals(second) || (err == nil) != (err2 == nil) {
		t.Errorf("two evaluations differ: %#v, %v and %#v, %v", first, err, second, err2)
	}
	if err != nil {
		checkErrorText(t, err)
	}
	if want, ok := p.Constant(); ok {
		for _, v := range []Vars{vars, {}} {
			if got, err := run(v); err != nil || !got.RawEquals(want) {
				t.Errorf("constant %#v gave %#v, %v", want, got, err)
			}
		}
	}
}
