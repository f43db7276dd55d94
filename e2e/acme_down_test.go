package e2e

import (
	"crypto/tls"
	"testing"
	"time"
)

// TestStartWithoutCA: popgate starts, refuses the name that it has no certificate for, and stops, all without its CA.
// Once that is back, `popgate cert renew` gets the certificate without a wait.
func TestStartWithoutCA(t *testing.T) {
	t.Parallel()
	ca := startPebble(t, pebbleOptions{down: true})
	s := newSite(t, ca, acmeHost)
	refuses := func() {
		t.Helper()
		s.start(t)
		if _, err := greet(s.port, &tls.Config{ServerName: acmeHost, InsecureSkipVerify: true}); !unrecognized(err) {
			t.Errorf("handshake without a certificate: %v, want unrecognized_name", err)
		}
	}
	refuses()
	s.log.wait(t, 1, about(logFailed, acmeHost))
	s.end(t)
	refuses()
	ca.start(t)
	s.renew(t, acmeHost)
	s.reads(t, s.at(acmeHost, s.port))
	ca.ordered(t, 1)
}

// TestRenewalWithoutCA: a renewal that fails breaks nothing as long as the certificate is good; `popgate cert renew`
// makes up for it.
func TestRenewalWithoutCA(t *testing.T) {
	t.Parallel()
	ca := startPebble(t, pebbleOptions{validity: 30 * time.Second})
	s := newSite(t, ca, acmeHost)
	s.start(t)
	s.obtains(t, acmeHost)
	ca.stop()
	s.log.wait(t, 1, about(logFailed, acmeHost))
	s.reads(t, s.at(acmeHost, s.port))
	ca.start(t)
	s.renew(t, acmeHost)
	s.reads(t, s.at(acmeHost, s.port))
	ca.ordered(t, 2)
}
