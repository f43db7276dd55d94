package authz

import (
	"context"
	"crypto/tls"
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	"popgate/internal/expr"
)

// million is how many entries there are in the large tables of benchmarks.
const million = 1_000_000

// busy are rules with every check on, whose limits no benchmark reaches.
func busy() Rules {
	much := Rate{Count: 1_000_000_000, Per: time.Second}
	b := usual
	b.Entries = million * 6 / 5 // the parts of a table aren't filled evenly
	return Rules{
		Limits: Limits{
			Connections: million, ConnectionsBeforeLogin: million, ConnectionsPerIP: million, ConnectionsPerTenant: million, ConnectionsPerUser: million,
			ConnectionRate: much, LoginRatePerIP: much, LoginRate: much, LoginRatePerUser: much,
		},
		Listeners: map[string]Override{"pop3s": {Connections: ptr(million)}},
		Tenants:   map[string]Tenant{"t": {}},
		Blocking:  b,
	}
}

// client is the i-th of many, each with a user of its own.
func client(i int) *Subject {
	return &Subject{Listener: "pop3s", Addr: number(i), User: fmt.Sprintf("user%d@example.com", i), Tenant: "t", Mechanism: "PLAIN", TLS: tls.VersionTLS13}
}

// decide is the whole decision about a login that succeeds.
func decide(b *testing.B, g *Guard, s *Subject) {
	ctx := context.Background()
	var held [stages]*Lease
	for stage := Address; stage <= Accepted; stage++ {
		lease, denial := g.Ask(ctx, stage, s)
		if denial != nil {
			b.Fatal(denial)
		}
		held[stage] = lease
	}
	if blocks := g.Report(ctx, s, Succeeded); blocks != nil {
		b.Fatal(blocks)
	}
	for _, lease := range held {
		lease.Release()
	}
}

// filled is a Guard with a million entries in each table that logins fill.
func filled(b *testing.B) *Guard {
	b.Helper()
	g := New(busy(), Options{})
	for i := range million {
		s := client(i)
		decide(b, g, s)
		s.Fingerprint = uint64(i)
		g.Report(context.Background(), s, Failed)
	}
	runtime.GC()
	return g
}

// busyCPU reports the processor time of each round beside the wall's, as others
// are at work on the same machine. Collecting garbage is in it.
func busyCPU(b *testing.B) (report func()) {
	used := func() int64 {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return u.Utime.Nano() + u.Stime.Nano()
	}
	before := used()
	return func() { b.ReportMetric(float64(used()-before)/float64(b.N), "cpu-ns/op") }
}

// scattered are clients from all over a table, so that the processor's caches
// don't know them.
func scattered() []*Subject {
	list := make([]*Subject, 1<<16)
	for i := range list {
		list[i] = client(i * 7919 % million)
	}
	return list
}

// BenchmarkLogin is the whole decision per login without policies: as to the
// address, the login and what is accepted, the report of its success, and the
// release of all leases.
func BenchmarkLogin(b *testing.B) {
	b.Run("one client", func(b *testing.B) {
		g, s := New(busy(), Options{}), client(1)
		b.ReportAllocs()
		defer busyCPU(b)()
		for b.Loop() {
			decide(b, g, s)
		}
	})
	g, clients := filled(b), scattered()
	b.Run("the same one beside a million", func(b *testing.B) {
		b.ReportAllocs()
		defer busyCPU(b)()
		for b.Loop() {
			decide(b, g, clients[0])
		}
	})
	b.Run("another one of a million each time", func(b *testing.B) {
		b.ReportAllocs()
		defer busyCPU(b)()
		i := 0
		for b.Loop() {
			decide(b, g, clients[i%len(clients)])
			i++
		}
	})
	b.Run("a new one beside a million", func(b *testing.B) {
		b.ReportAllocs()
		defer busyCPU(b)()
		s, i := client(0), million
		for b.Loop() {
			s.Addr = number(i % (1 << 24))
			decide(b, g, s)
			i++
		}
	})
	b.Run("all processors", func(b *testing.B) {
		b.ReportAllocs()
		defer busyCPU(b)()
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				decide(b, g, clients[i%len(clients)])
			}
		})
	})
}

// BenchmarkGuess is a wrong password: a new one, the same as ever, and one of a
// client that is blocked.
func BenchmarkGuess(b *testing.B) {
	rules := busy()
	rules.Blocking.FailuresPerUser, rules.Blocking.FailuresPerIP = 1_000_000_000, 1_000_000_000
	ctx, s := context.Background(), client(1)
	for _, kind := range []string{"new", "same", "blocked"} {
		b.Run(kind, func(b *testing.B) {
			g := New(rules, Options{})
			if kind == "blocked" {
				key := ofIP(blocked, s, &rules.Limits)
				g.store.Mark(ctx, key, Mark{Until: g.now().Add(time.Hour), Ends: g.now().Add(time.Hour)})
			}
			b.ReportAllocs()
			s.Fingerprint = 1
			for b.Loop() {
				lease, denial := g.Ask(ctx, Login, s)
				if denial != nil {
					continue
				}
				g.Report(ctx, s, Failed)
				if kind == "new" {
					s.Fingerprint++
				}
				lease.Release()
			}
		})
	}
}

// BenchmarkFingerprint is that of a password.
func BenchmarkFingerprint(b *testing.B) {
	g, password := guardWith(roomy), []byte("correct horse battery staple")
	b.ReportAllocs()
	for b.Loop() {
		g.Fingerprint("joe@example.com", password)
	}
}

// BenchmarkPolicy is one policy of ten that are evaluated, of different kinds;
// ns/policy is the figure. The environment of the login is made anew each time.
func BenchmarkPolicy(b *testing.B) {
	conditions := []string{
		`user.domain == "bank.example"`,
		`contains(client.networks, "office")`,
		`auth.mechanism == "USER" && tls.version == "1.2"`,
		`cidrcontains("198.51.100.0/24", client.ip)`,
		`time.hour >= 22 || time.hour < 6`,
		`startswith(user.local, "test-")`,
		`user.name == "joe@bank.example" && listener == "pop3"`,
		`can(regex("^[0-9]+$", user.local))`,
		`contains(["sales", "support", "info"], user.local)`,
		`!endswith(tls.server_name, ".example.com") && user.tenant == "shop"`,
	}
	var policies []Policy
	for _, c := range conditions {
		policies = append(policies, Policy{Name: "p", When: when(b, c), Deny: "x"})
	}
	for _, name := range []string{"no entries", "a million entries and networks"} {
		b.Run(name, func(b *testing.B) {
			g, networks := New(busy(), Options{}), networksOf(b, Network{Name: "office"})
			if name != "no entries" {
				g, networks = filled(b), networksOf(b, Network{Name: "office", File: millionNetworks(b)})
			}
			rules := busy()
			rules.Policies = policies
			g.SetRules(rules)
			s := client(1)
			vars := expr.Vars{
				UserName: "joe@example.com", UserLocal: "joe", UserDomain: "example.com", ClientIP: s.Addr, Mechanism: "PLAIN",
				TLSVersion: "1.3", TLSCipher: "TLS_AES_128_GCM_SHA256", ServerName: "pop.example.com", Listener: "pop3s",
				Networks: func() []string { return networks.Of(addr("203.0.113.1")) },
				Time:     time.Date(2024, 2, 29, 13, 0, 0, 0, time.UTC),
			}
			b.ReportAllocs()
			defer busyCPU(b)()
			for b.Loop() {
				s.Env = expr.NewEnv(vars)
				if terms, denial := g.Decide(context.Background(), s); denial != nil || terms.Policy != "" {
					b.Fatal(terms, denial)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(conditions)), "ns/policy")
		})
	}
}

// BenchmarkNetworks is a look-up among a million networks.
func BenchmarkNetworks(b *testing.B) {
	n := networksOf(b, Network{Name: "million", File: millionNetworks(b)})
	for _, a := range []string{"10.0.0.4", "203.0.113.1", "2001:db8:0:2::1"} {
		b.Run(a, func(b *testing.B) {
			a := addr(a)
			b.ReportAllocs()
			for b.Loop() {
				n.Of(a)
			}
		})
	}
}
