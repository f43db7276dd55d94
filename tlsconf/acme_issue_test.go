package tlsconf

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"slices"
	"testing"
	"time"

	"popgate/internal/poptest/acmetest"
)

// Each type of challenge alone gets a certificate by one order, without one
// failed validation.
func TestFirstIssueByEachChallengeAlone(t *testing.T) {
	for _, challenge := range []string{HTTP01, TLSALPN01} {
		t.Run(challenge, func(t *testing.T) {
			inACME(t, acmetest.Options{WaitPolls: 2, IssuePolls: 2}, func(t *testing.T, s *acmeScene) {
				s.answers = []string{challenge}
				s.start()
				if s.leaf(popHost) != nil {
					t.Error("there is a certificate before the CA has issued one")
				}
				s.settled()
				leaf := s.has(popHost)
				if _, err := leaf.Verify(x509.VerifyOptions{Roots: s.ca.Roots(), Intermediates: s.chain(popHost),
					CurrentTime: time.Now()}); err != nil {
					t.Error(err)
				}
				s.orders(1)
				if n := s.ca.FailedValidations(); n != 0 || s.ca.Validated(challenge) != 1 {
					t.Errorf("%d failed validations, %d good ones by %s", n, s.ca.Validated(challenge), challenge)
				}
				s.logged(1, "[INFO]  test.acme: certificate issued: host=pop.example.com")
				if len(s.automatic.tokens.http)+len(s.automatic.tokens.alpn) != 0 {
					t.Error("a token is left")
				}
				if keys := s.cache.keys(); len(keys) != 2 {
					t.Errorf("the cache holds %q, want the account and the certificate", keys)
				}
			})
		})
	}
}

// chain is what stands behind the leaf.
func (s *acmeScene) chain(host string) *x509.CertPool {
	cert, err := s.getCertificate(&tls.ClientHelloInfo{ServerName: host})
	must(s.t, err)
	pool := x509.NewCertPool()
	for _, der := range cert.Certificate[1:] {
		issuer, err := x509.ParseCertificate(der)
		must(s.t, err)
		pool.AddCert(issuer)
	}
	return pool
}

// Where one port is out of the CA's reach the other is tried at once, and first
// from then on.
func TestTheOtherChallengeIsTriedAtOnce(t *testing.T) {
	var s *acmeScene
	opts := acmetest.Options{Lifetime: 6 * 24 * time.Hour, Validate: func(ctx context.Context, typ, host, token, keyAuth string) error {
		if typ == HTTP01 {
			return &acmetest.Problem{Type: "connection", Detail: "port 80 is closed"}
		}
		return s.validate(ctx, typ, host, token, keyAuth)
	}}
	inACME(t, opts, func(t *testing.T, scene *acmeScene) {
		s = scene
		s.start()
		s.settled()
		first := s.has(popHost)
		s.orders(2)
		s.pass(5 * 24 * time.Hour)
		if s.has(popHost).Equal(first) {
			t.Error("it wasn't renewed")
		}
		s.orders(3)
		if n := s.ca.FailedValidations(); n != 1 {
			t.Errorf("%d failed validations, want the very first one only", n)
		}
	})
}

// A renewal comes when a third of the time is left, with a new private key, and
// whatever autocert has set a timer for comes to nothing.
func TestRenewalWithoutTraffic(t *testing.T) {
	for _, days := range []int{6, 45, 90} {
		lifetime := time.Duration(days) * 24 * time.Hour
		inACME(t, acmetest.Options{Lifetime: lifetime}, func(t *testing.T, s *acmeScene) {
			s.opts.PollInterval = time.Hour // what is due has an alarm of its own
			s.start()
			s.settled()
			var keys [][]byte
			for range 5 {
				leaf := s.has(popHost)
				if slices.ContainsFunc(keys, func(k []byte) bool { return string(k) == string(leaf.RawSubjectPublicKeyInfo) }) {
					t.Fatal("a private key is used again")
				}
				keys = append(keys, leaf.RawSubjectPublicKeyInfo)
				third := min(lifetime/3, 30*24*time.Hour)
				s.pass(time.Until(leaf.NotAfter.Add(-third - time.Minute)))
				if !s.has(popHost).Equal(leaf) {
					t.Errorf("%d days: renewed with %v left", days, time.Until(leaf.NotAfter))
				}
				s.pass(third/10 + third/20 + 5*time.Minute)
				if s.has(popHost).Equal(leaf) {
					t.Errorf("%d days: not renewed with %v left", days, time.Until(leaf.NotAfter))
				}
			}
			s.orders(6)
			s.logged(5, "certificate renewed")
		})
	}
}

// A certificate is never served beyond its end as long as the CA works, and the
// CA gets no more orders than that takes, whatever autocert's timers do.
func TestThreeYears(t *testing.T) {
	inACME(t, acmetest.Options{}, func(t *testing.T, s *acmeScene) {
		s.opts.ACME.Hosts = []string{popHost, "a.example.com", "b.example.com"}
		s.opts.PollInterval = time.Hour // what is due has an alarm of its own
		s.start()
		s.settled()
		for range 3 * 365 {
			s.pass(24 * time.Hour)
			for _, host := range s.opts.ACME.Hosts {
				if left := time.Until(s.has(host).NotAfter); left < 20*24*time.Hour {
					t.Fatalf("%s: %v left", host, left)
				}
			}
		}
		if n := s.ca.Orders(popHost); n < 17 || n > 19 {
			t.Errorf("%d orders in three years", n)
		}
	})
}

func TestRestartOrdersNothing(t *testing.T) {
	inACME(t, acmetest.Options{}, func(t *testing.T, s *acmeScene) {
		s.start()
		s.settled()
		leaf := s.has(popHost)
		for range 3 {
			s.restart()
			if !s.has(popHost).Equal(leaf) {
				t.Error("another certificate is served after a restart")
			}
			s.pass(24 * time.Hour)
		}
		s.orders(1)
		if n := s.ca.Accounts(); n != 1 {
			t.Errorf("%d accounts", n)
		}
	})
}

// A handshake never orders, and never waits: there is nothing to wait for.
func TestHandshakesOrderNothing(t *testing.T) {
	inACME(t, acmetest.Options{Latency: time.Second}, func(t *testing.T, s *acmeScene) {
		s.start()
		for range 1000 {
			if s.leaf(popHost) != nil {
				t.Fatal("it can't be there yet")
			}
		}
		s.pass(time.Minute)
		s.has(popHost)
		reads := s.cache.reads
		for i := range 5000 {
			if s.leaf(string(rune('a'+i%26))+"x.example.net") != nil {
				t.Fatal("a stranger's name has a certificate")
			}
		}
		s.settled()
		s.orders(1)
		if s.cache.reads != reads {
			t.Error("handshakes have read the cache")
		}
	})
}

// Many hosts are ordered a few at a time, each once.
func TestManyHosts(t *testing.T) {
	most, flying := 0, 0
	var s *acmeScene
	opts := acmetest.Options{Latency: 100 * time.Millisecond, Validate: func(ctx context.Context, typ, host, token, keyAuth string) error {
		s.clock.mu.Lock() // any lock will do
		flying++
		most = max(most, flying)
		s.clock.mu.Unlock()
		<-time.After(time.Second)
		s.clock.mu.Lock()
		flying--
		s.clock.mu.Unlock()
		return s.validate(ctx, typ, host, token, keyAuth)
	}}
	inACME(t, opts, func(t *testing.T, scene *acmeScene) {
		s = scene
		var hosts []string
		for i := range 100 {
			hosts = append(hosts, string(rune('a'+i/26))+string(rune('a'+i%26))+".example.com")
		}
		s.opts.ACME.Hosts = append(slices.Clone(hosts), "UPPER.example.com.", "single", "192.0.2.1", "aa.example.com")
		s.start()
		s.pass(5 * time.Minute)
		for _, host := range append(hosts, "upper.example.com") {
			s.has(host)
			if n := s.ca.Orders(host); n != 1 {
				t.Errorf("%d orders for %s", n, host)
			}
		}
		s.orders(101)
		if most != maxOrders {
			t.Errorf("%d orders at once, want %d", most, maxOrders)
		}
	})
}
