package tlsconf

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"popgate/internal/poptest/acmetest"
)

// A damaged entry is set aside, and ordered again.
func TestDamagedEntries(t *testing.T) {
	whole := func(s *acmeScene) []byte { return bytes.Clone(s.cache.entry(popHost)) }
	for name, spoil := range map[string]func(s *acmeScene) []byte{
		"empty":     func(*acmeScene) []byte { return []byte{} },
		"garbage":   func(*acmeScene) []byte { return []byte("\x00\x01garbage\n") },
		"cut short": func(s *acmeScene) []byte { return whole(s)[:len(whole(s))*2/3] },
		"no key":    func(s *acmeScene) []byte { return whole(s)[bytes.Index(whole(s), []byte("-----BEGIN CERT")):] },
		"another's key": func(s *acmeScene) []byte {
			p := newPEM(s.t, issue{names: []string{popHost}})
			return append(newPEM(s.t, issue{}).key, p.cert...)
		},
		"another's name": func(s *acmeScene) []byte {
			p := newPEM(s.t, issue{names: []string{"other.example.com"}})
			return append(p.key, p.cert...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inACME(t, acmetest.Options{}, func(t *testing.T, s *acmeScene) {
				s.start()
				s.settled()
				bad := spoil(s)
				s.stop()
				s.stop = func() {}
				s.cache.set(popHost, bad)
				s.restart()
				s.settled()
				s.has(popHost)
				s.orders(2)
				if !bytes.Equal(s.cache.aside[popHost], bad) || bytes.Equal(s.cache.entry(popHost), bad) {
					t.Error("the damaged entry isn't set aside")
				}
				s.logged(1, "damaged entry of the certificate cache set aside: entry=pop.example.com")
			})
		})
	}
}

func TestDamagedAccountKeyMakesANewAccount(t *testing.T) {
	inACME(t, acmetest.Options{}, func(t *testing.T, s *acmeScene) {
		s.cache.set(accountKey, []byte("garbage"))
		s.cache.set(popHost+failureSuffix, []byte("garbage"))
		s.cache.set(pauseKey, []byte("{"))
		s.start()
		s.settled()
		s.has(popHost)
		if len(s.cache.aside) != 3 || len(s.cache.entry(accountKey)) < 100 {
			t.Errorf("set aside: %d entries, the key has %d octets", len(s.cache.aside), len(s.cache.entry(accountKey)))
		}
	})
}

// A cache that fails costs nothing but its purpose: certificates are ordered,
// served and renewed from memory, and written once it works.
func TestCacheFails(t *testing.T) {
	for name, fail := range map[string]func(m *memory){
		"full":       func(m *memory) { m.fail(nil, errDiskFull) },
		"unreadable": func(m *memory) { m.fail(errors.New("permission denied"), errors.New("permission denied")) },
	} {
		t.Run(name, func(t *testing.T) {
			inACME(t, acmetest.Options{Lifetime: 6 * 24 * time.Hour}, func(t *testing.T, s *acmeScene) {
				fail(s.cache)
				s.start()
				s.pass(accountReads * time.Minute)
				first := s.has(popHost)
				s.pass(10 * 24 * time.Hour)
				if s.has(popHost).Equal(first) {
					t.Error("it isn't renewed")
				}
				s.orders(3)
				s.logged(1, "certificate cache fails, certificates are kept in memory only")
				if s.seen.drain("cache failed") == 0 {
					t.Error("not counted")
				}
				if len(s.cache.keys()) != 0 {
					t.Errorf("the cache holds %q", s.cache.keys())
				}
				s.cache.fail(nil, nil)
				s.pass(2 * time.Minute)
				s.logged(1, "certificate cache works again")
				leaf := s.has(popHost)
				s.restart()
				if !s.has(popHost).Equal(leaf) {
					t.Error("what was in memory wasn't written")
				}
				s.settled()
				s.orders(3)
			})
		})
	}
}

// A certificate that somebody else has put into a shared cache saves an order.
func TestAnotherReplicaHasRenewed(t *testing.T) {
	inACME(t, acmetest.Options{}, func(t *testing.T, s *acmeScene) {
		s.start()
		s.settled()
		leaf := s.has(popHost)
		s.pass(time.Until(leaf.NotAfter) - 31*24*time.Hour)
		other := newPEM(t, issue{names: []string{popHost}, notAfter: time.Now().Add(90 * 24 * time.Hour)})
		s.cache.set(popHost, append(other.key, other.cert...))
		s.pass(10 * 24 * time.Hour)
		if !s.has(popHost).Equal(other.leaf) {
			t.Error("the other's certificate isn't served")
		}
		s.orders(1)
	})
}

// The answer to a token of another replica is found in a shared cache.
func TestReplicasAnswerForEachOther(t *testing.T) {
	inACME(t, acmetest.Options{}, func(t *testing.T, s *acmeScene) {
		s.start()
		s.settled()
		s.cache.set("some-token"+tokenSuffix, []byte("some-token.thumbprint"))
		if err := acmetest.CheckHTTP(s.automatic, popHost, "some-token", "some-token.thumbprint"); err != nil {
			t.Error(err)
		}
		if acmetest.CheckHTTP(s.automatic, popHost, "other-token", "x") == nil {
			t.Error("an unknown token has an answer")
		}
	})
}
