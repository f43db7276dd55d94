package expr

import "testing"

// BenchmarkLogin is what one login pays for one program: the variables that it
// uses are made anew each time.
func BenchmarkLogin(b *testing.B) {
	for _, bm := range []struct{ name, src string }{
		{"equal", `user.domain == "staff.example"`},
		{"design", `user.domain == "staff.example" && !startswith(user.local, "test")`},
		{"network", `user.domain == "bank.example" && !cidrcontains("192.0.2.0/24", client.ip)`},
		{"regex", `can(regex("^[a-z]+[0-9]+$", user.local))`},
		{"constant", `1 + 1 == 2`},
	} {
		b.Run(bm.name, func(b *testing.B) {
			p := compile(b, bm.src, Bool)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Bool(NewEnv(joe)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkNextProgram is what each further program of the same login costs.
func BenchmarkNextProgram(b *testing.B) {
	p, env := compile(b, `user.domain == "staff.example" && !startswith(user.local, "test")`, Bool), NewEnv(joe)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Bool(env); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkText(b *testing.B) {
	for _, bm := range []struct{ name, src string }{
		{"bare", `user.local`},
		{"template", `"${user.local}@${user.domain}"`},
		{"replace", `replace(user.name, "/@.*/", "")`},
	} {
		b.Run(bm.name, func(b *testing.B) {
			p := compile(b, bm.src, Text)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Text(NewEnv(joe)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCompile is what each expression costs at load.
func BenchmarkCompile(b *testing.B) {
	e := parse(b, `user.domain == "staff.example" && !startswith(user.local, "test")`)
	b.ReportAllocs()
	for b.Loop() {
		if _, diags := Compile(e, Bool); diags.HasErrors() {
			b.Fatal(diags)
		}
	}
}
