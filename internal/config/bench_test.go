package config

import (
	"fmt"
	"strings"
	"testing"
)

// manyTenants is a configuration of n tenants, each with names and a route.
func manyTenants(n int) []byte {
	var b strings.Builder
	b.WriteString("tls {\n  self_signed = true\n}\n\nbackend \"legacy\" {\n  address = \"10.0.0.5:110\"\n}\n\n")
	for i := range n {
		fmt.Fprintf(&b, `tenant "t%d" {
  hosts   = ["pop.t%d.example"]
  domains = ["t%d.example", "mail.t%d.example"]
  backend = "legacy"
}

`, i, i, i, i)
	}
	return []byte(b.String())
}

func BenchmarkParse10000Tenants(b *testing.B) {
	src := manyTenants(10_000)
	b.ReportAllocs()
	for b.Loop() {
		c, diags, _ := Parse("config.hcl", src)
		if c == nil || len(c.Tenants) != 10_000 {
			b.Fatal(diags)
		}
	}
}

func BenchmarkWriteDiagnosticAt10000Tenants(b *testing.B) {
	src := append(manyTenants(10_000), "nonsense = true\n"...)
	_, diags, files := Parse("config.hcl", src)
	if len(diags) != 1 {
		b.Fatal(diags)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := WriteDiagnostics(new(strings.Builder), files, diags, false); err != nil {
			b.Fatal(err)
		}
	}
}
