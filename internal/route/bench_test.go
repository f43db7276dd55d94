package route

import (
	"fmt"
	"testing"

	"popgate/internal/expr"
)

// city makes n tenants, each with a host, two domains and a route.
func city(b *testing.B, n int) Options {
	when := program(b, `startswith(user.local, "test")`, expr.Bool)
	opts := Options{Backends: []Backend{{Name: "one"}, {Name: "two"}}}
	for i := range n {
		opts.Tenants = append(opts.Tenants, Tenant{
			Name:    fmt.Sprintf("t%d", i),
			Hosts:   []string{fmt.Sprintf("pop.t%d.example", i)},
			Domains: []string{fmt.Sprintf("t%d.example", i), fmt.Sprintf("t%d.test", i)},
			Backend: "one",
			Routes:  []Rule{{Name: "test", When: when, Backend: "two"}},
		})
	}
	return opts
}

// Finding a tenant must cost the same among 10 and among 10,000.
var sizes = []int{10, 10_000}

func BenchmarkResolve(b *testing.B) {
	for _, size := range sizes {
		table := mustNew(b, city(b, size))
		last := fmt.Sprintf("t%d", size-1)
		for _, bm := range []struct{ name, typed, host string }{
			{"domain", "joe@" + last + ".test", "pop." + last + ".example"},
			{"bare", "joe", "pop." + last + ".example"},
			{"nobody", "joe@other.example", ""},
		} {
			b.Run(fmt.Sprintf("%s/%d", bm.name, size), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := table.Resolve(bm.typed, bm.host); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkRoute is Resolve and Route with one condition, as each login pays.
func BenchmarkRoute(b *testing.B) {
	for _, size := range sizes {
		table := mustNew(b, city(b, size))
		typed := fmt.Sprintf("joe@t%d.test", size-1)
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n, err := table.Resolve(typed, "")
				if err != nil {
					b.Fatal(err)
				}
				if _, err := table.Route(b.Context(), n, expr.NewEnv(vars(n, ""))); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkNew(b *testing.B) {
	for _, size := range sizes {
		opts := city(b, size)
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := New(opts); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
