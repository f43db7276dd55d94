package tlsconf

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

func TestHostNames(t *testing.T) {
	got := hostNames([]string{"B.example.", "a.example", "b.EXAMPLE", "", ".", "192.0.2.1", "2001:db8::1"})
	if want := "[a.example b.example]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestNamesThatACertificateCanCover(t *testing.T) {
	p := leafPair("A.example", "a.example", "*.Example", "*.*.example", "a*.example", "*", "*.", "",
		".", "dot.example.", "a..example", "a b.example", "192.0.2.1", "-a.example", "bücher.example", strings.Repeat("a", 254))
	if got, want := fmt.Sprint(p.names), "[*.example a.example]"; got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A client that names a host gets a certificate that x509 accepts for that
// host, or none; and it gets one whenever x509 would accept it.
func FuzzServerName(f *testing.F) {
	for _, seed := range [][2]string{
		{"pop.example.com", "POP.example.com."},
		{"*.example.com", "a.example.com"},
		{"*.example.com", "a.b.example.com"},
		{"*.example.com", "example.com"},
		{"*.example.com", "*.example.com"},
		{"*.example.com", " .example.com"},
		{"*.2.3.4", "1.2.3.4"},
		{"1.2.3.4", "1.2.3.4"},
		{"a.example.", "a.example."},
		{"a.example.", "a.example"},
		{"a_b.example", "A_B.example"},
		{"k.example", "\u212a.example"},
		{"::1", "[::1]"},
		{"*", "a"},
		{"", ""},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, san, asked string) {
		first, second := leafPair(san), leafPair("*."+san, "other.example")
		s := sourceOf(first, second)
		cert, err := s.getCertificate(&tls.ClientHelloInfo{ServerName: asked})
		must(t, err)
		if s.current.Load().answers(asked) != (cert != nil) {
			t.Errorf("answers and the choice differ for %q", asked)
		}
		name := fold(asked)
		switch {
		case name == "" || isAddress(name):
			// The default path: two certificates with other names, so none is it.
			if cert != nil && len(first.names)+len(second.names) != 0 {
				t.Errorf("%q names no host, but got %v", asked, cert.Leaf.DNSNames)
			}
		case cert != nil:
			if err := cert.Leaf.VerifyHostname(asked); err != nil {
				t.Errorf("%q got a certificate that doesn't cover it: %v", asked, err)
			}
		case validHost(name):
			for _, p := range []*pair{first, second} {
				if len(p.names) == 0 {
					continue
				}
				covering := &x509.Certificate{DNSNames: p.names}
				if covering.VerifyHostname(asked) == nil {
					t.Errorf("%q was refused, though %v covers it", asked, p.names)
				}
			}
		}
		if isAddress(name) && net.ParseIP(name) == nil && !strings.Contains(name, "%") {
			t.Errorf("%q is taken for an address", name)
		}
	})
}

func BenchmarkGetCertificate(b *testing.B) {
	for _, n := range []int{1, 10_000} {
		names := make([]string, n)
		pairs := make([]*pair, n)
		for i := range n {
			names[i] = fmt.Sprintf("pop.tenant-%d.example", i)
			pairs[i] = leafPair(names[i])
		}
		s := sourceOf(pairs...)
		b.Run(fmt.Sprintf("names=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			hello := new(tls.ClientHelloInfo)
			for i := 0; b.Loop(); i++ {
				hello.ServerName = names[i%n]
				if cert, _ := s.getCertificate(hello); cert == nil {
					b.Fatal("refused")
				}
			}
		})
	}
}

// The price of offering two kinds of key for one name.
func BenchmarkGetCertificateOfTwoKinds(b *testing.B) {
	dir := b.TempDir()
	var pairs []*pair
	for i, kind := range []bool{false, true} {
		files := newPEM(b, issue{names: []string{"pop.example.com"}, rsa: kind}).write(b, dir, fmt.Sprint(i))
		p, err := load(files, time.Now())
		must(b, err)
		pairs = append(pairs, p)
	}
	s := sourceOf(pairs...)
	hello := &tls.ClientHelloInfo{
		ServerName:        "pop.example.com",
		SupportedVersions: []uint16{tls.VersionTLS13},
		SignatureSchemes:  []tls.SignatureScheme{tls.PSSWithSHA256, tls.ECDSAWithP256AndSHA256},
	}
	b.ReportAllocs()
	for b.Loop() {
		if cert, _ := s.getCertificate(hello); cert == nil {
			b.Fatal("refused")
		}
	}
}
