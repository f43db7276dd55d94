package authz

import (
	"context"
	"fmt"
	"net/netip"
	"sync/atomic"
	"testing"
)

// BenchmarkAskRelease is what a Guard costs at each stage of one session, while
// a thousand others are open.
func BenchmarkAskRelease(b *testing.B) {
	for _, stage := range []struct {
		name string
		Stage
	}{{"accept", Accept}, {"address", Address}, {"login", Login}} {
		b.Run(stage.name, func(b *testing.B) {
			g := crowded(b)
			s := from("2001:db8::1")
			b.ReportAllocs()
			for b.Loop() {
				lease, denial := g.Ask(context.Background(), stage.Stage, s)
				if denial != nil {
					b.Fatal(denial)
				}
				lease.Release()
			}
		})
	}
}

// BenchmarkAskReleaseParallel is the same for one address after another, on all
// processors at once.
func BenchmarkAskReleaseParallel(b *testing.B) {
	g := crowded(b)
	var goroutines atomic.Uint32
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		s := from(fmt.Sprintf("198.51.100.%d", goroutines.Add(1)))
		for pb.Next() {
			for _, stage := range []Stage{Accept, Address, Login} {
				lease, denial := g.Ask(context.Background(), stage, s)
				if denial != nil {
					b.Error(denial)
					return
				}
				lease.Release()
			}
		}
	})
}

// crowded is a Guard with a thousand sessions of as many clients.
func crowded(b *testing.B) *Guard {
	b.Helper()
	g := guardWith(Limits{Connections: 1 << 20, ConnectionsPerIP: 1 << 20, ConnectionsBeforeLogin: 1 << 20})
	for i := range 1000 {
		s := &Subject{Addr: netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})}
		for _, stage := range []Stage{Accept, Address} {
			lease := admit(b, g, stage, s)
			b.Cleanup(lease.Release)
		}
	}
	return g
}
