package tlsconf

import (
	"crypto/x509"
	"fmt"
	"testing"
	"time"
)

func TestRenewalDue(t *testing.T) {
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	const hour, day = time.Hour, 24 * time.Hour
	for _, lifetime := range []time.Duration{398 * day, 90 * day, 45 * day, 6 * day, hour, 40 * time.Second} {
		leaf := &x509.Certificate{NotBefore: from, NotAfter: from.Add(lifetime)}
		third := min(lifetime/3, 30*day)
		spread := make(map[time.Time]bool)
		for i := range 1000 {
			due := renewalDue(fmt.Sprintf("h%d.example.com", i), leaf)
			left := leaf.NotAfter.Sub(due)
			if left > third || left < third*9/10 {
				t.Fatalf("%v: due with %v left", lifetime, left)
			}
			spread[due] = true
			if again := renewalDue(fmt.Sprintf("h%d.example.com", i), leaf); !again.Equal(due) {
				t.Fatal("a host's place changes")
			}
		}
		if len(spread) < 500 {
			t.Errorf("%v: 1000 hosts are due at %d moments", lifetime, len(spread))
		}
	}
}

func TestBackoff(t *testing.T) {
	for n, want := range map[int]time.Duration{
		-1: 5 * time.Minute, 0: 5 * time.Minute, 1: 5 * time.Minute, 2: 20 * time.Minute, 3: time.Hour, 4: 3 * time.Hour,
		5: 6 * time.Hour, 6: 6 * time.Hour, 1 << 40: 6 * time.Hour,
	} {
		if low, high := backoff(n, 0), backoff(n, 1); low != want || high != want+want/10 || high > longestBackoff {
			t.Errorf("%d: %v to %v, want %v", n, low, high, want)
		}
	}
}
