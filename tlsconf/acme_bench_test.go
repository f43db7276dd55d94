package tlsconf

import (
	"crypto/tls"
	"fmt"
	"testing"
	"time"
)

// BenchmarkGetCertificateIssued is what a handshake pays for the choice of its
// certificate, by how many hosts have one of a CA.
func BenchmarkGetCertificateIssued(b *testing.B) {
	for _, hosts := range []int{1, 10_000} {
		b.Run(fmt.Sprint(hosts), func(b *testing.B) {
			s := newTestSource(b, Options{SelfSigned: true})
			from := stock{issued: make(map[string]*pair), hosts: hosts}
			for i := range hosts {
				name := fmt.Sprintf("pop.tenant%d.example.com", i)
				from.issued[name] = leafPair(name)
			}
			s.current.Store(newSnapshot(from, time.Now()))
			hello := &tls.ClientHelloInfo{ServerName: fmt.Sprintf("pop.tenant%d.example.com", hosts/2)}
			b.ReportAllocs()
			for b.Loop() {
				if cert, err := s.getCertificate(hello); cert == nil || err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSnapshot is what the worker pays when one of the certificates
// changes.
func BenchmarkSnapshot(b *testing.B) {
	from := stock{issued: make(map[string]*pair), hosts: 10_000}
	for i := range from.hosts {
		name := fmt.Sprintf("pop.tenant%d.example.com", i)
		from.issued[name] = leafPair(name)
	}
	b.ReportAllocs()
	for b.Loop() {
		newSnapshot(from, time.Now())
	}
}
