package tlsconf

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"popgate/internal/poptest/acmetest"
)

// perDay insists on at most 4 of times in each 24 hours after the first day.
func perDay(t *testing.T, what string, times []time.Time) {
	t.Helper()
	for i := range times {
		if i+4 < len(times) && times[i].After(times[0].Add(24*time.Hour)) && times[i+4].Sub(times[i]) < 24*time.Hour {
			t.Errorf("%s: 5 within %v, from the %d. on", what, times[i+4].Sub(times[i]), i+1)
			return
		}
	}
}

// A CA that is down for 30 days at the time of renewal: it is asked four times
// a day, and every handshake gets the certificate until its real end, and after.
func TestCADownFor30Days(t *testing.T) {
	inACME(t, acmetest.Options{Lifetime: 45 * 24 * time.Hour}, func(t *testing.T, s *acmeScene) {
		s.start()
		s.settled()
		leaf := s.has(popHost)
		s.pass(time.Until(leaf.NotAfter) - 16*24*time.Hour) // due a day later
		s.ca.Down()
		var asked []time.Time
		for range 30 * 24 * 60 {
			before := s.ca.Requests("directory")
			s.pass(time.Minute)
			if s.ca.Requests("directory") != before {
				asked = append(asked, time.Now())
			}
			if !s.has(popHost).Equal(leaf) {
				t.Fatal("another certificate is served")
			}
		}
		perDay(t, "tries", asked)
		if len(asked) < 100 {
			t.Errorf("only %d tries in 30 days", len(asked))
		}
		s.orders(1)
		s.logged(1, "[ERROR] test.acme: certificate has expired and is still served")
		if s.seen.drain("expired") != 1 {
			t.Error("the expiry isn't counted once")
		}
		if state := s.state(popHost); state.LastError == nil || state.LastError.Type != ProblemNetwork ||
			!strings.Contains(state.LastError.Detail, "connection refused") {
			t.Errorf("state %+v", state)
		}
		s.ca.Up()
		s.pass(7 * time.Hour)
		if s.has(popHost).Equal(leaf) {
			t.Error("not renewed once the CA is back")
		}
		if state := s.state(popHost); state.LastError != nil || state.Failures != 0 {
			t.Errorf("state %+v", state)
		}
	})
}

// A CA that takes orders and doesn't serve them: four a day and host.
func TestCAFailsOrders(t *testing.T) {
	for name, fault := range map[string]acmetest.Fault{
		"500 at the end":      {Status: http.StatusInternalServerError},
		"503 at the end":      {Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"30"}}},
		"no answer":           {Hang: true},
		"refused at the end":  {Problem: "caa", Detail: "CAA forbids it"},
		"connection is reset": {Err: errors.New("connection reset by peer")},
	} {
		t.Run(name, func(t *testing.T) {
			inACME(t, acmetest.Options{}, func(t *testing.T, s *acmeScene) {
				s.ca.SetFault(func(stage, _ string, _ *http.Request) *acmetest.Fault {
					if stage == "finalize" {
						return &fault
					}
					return nil
				})
				s.start()
				s.pass(30 * 24 * time.Hour)
				times := s.ca.OrderTimes("")
				perDay(t, "orders", times)
				if len(times) < 100 || times[4].Sub(times[0]) > 8*time.Hour {
					t.Errorf("%d orders, the first at %v", len(times), times[:5])
				}
				s.ca.SetFault(nil)
				s.pass(7 * time.Hour)
				s.has(popHost)
			})
		})
	}
}

// Validation that fails is tried once by each type at first, then once a try.
func TestValidationFailsForEver(t *testing.T) {
	refuse := func(context.Context, string, string, string, string) error {
		return &acmetest.Problem{Type: "dns", Detail: "no valid A records found for pop.example.com"}
	}
	inACME(t, acmetest.Options{Validate: refuse}, func(t *testing.T, s *acmeScene) {
		s.start()
		s.pass(30 * 24 * time.Hour)
		times := s.ca.OrderTimes(popHost)
		perDay(t, "orders", times)
		first := 0
		for _, at := range times {
			if at.Before(times[0].Add(time.Hour)) {
				first++
			}
		}
		if first > 5 { // Let's Encrypt's limit of failed validations an hour
			t.Errorf("%d orders in the first hour", first)
		}
		s.logged(1, `"no valid A records found for pop.example.com; by tls-alpn-01: dns: no valid A`)
		if state := s.state(popHost); state.LastError == nil || state.LastError.Type != "dns" ||
			!strings.Contains(state.LastError.Detail, "no valid A records") {
			t.Errorf("the CA's words are lost: %+v", state.LastError)
		}
		if len(s.book.lines(`problem="dns" detail="no valid A records found for pop.example.com"`)) == 0 {
			t.Errorf("the log doesn't have the CA's words:\n%s", s.book.buf.String())
		}
	})
}

// rateLimited is about the account: no host orders until the CA's time is over.
func TestRateLimitPausesTheAccount(t *testing.T) {
	inACME(t, acmetest.Options{}, func(t *testing.T, s *acmeScene) {
		s.ca.SetFault(func(stage, _ string, _ *http.Request) *acmetest.Fault {
			if stage == "order" {
				return &acmetest.Fault{Status: 429, Problem: rateLimited, Detail: "too many new orders",
					Header: http.Header{"Retry-After": {"10800"}}}
			}
			return nil
		})
		for _, host := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
			s.opts.ACME.Hosts = append(s.opts.ACME.Hosts, host+".example.com")
		}
		s.start()
		s.settled()
		asked := s.ca.Requests("order")
		if asked > maxOrders {
			t.Errorf("%d orders were tried", asked)
		}
		s.ca.SetFault(nil)
		s.pass(3*time.Hour - time.Minute)
		if n := s.ca.Requests("order"); n != asked {
			t.Errorf("%d more orders before the time is over", n-asked)
		}
		if _, err := s.automatic.Renew(t.Context(), popHost); !isPaused(err) {
			t.Errorf("an operator's wish gets %v", err)
		}
		s.restart() // which doesn't make the CA's wish forgotten
		if n := s.ca.Requests("order"); n != asked {
			t.Errorf("%d more orders after a restart", n-asked)
		}
		s.pass(10 * time.Minute)
		for _, host := range s.opts.ACME.Hosts {
			s.has(host)
		}
	})
}

func isPaused(err error) bool {
	paused, ok := errors.AsType[*PausedError](err)
	return ok && paused.Why.Type == rateLimited && strings.Contains(paused.Error(), "too many new orders")
}

func TestBadNoncesAreRepeated(t *testing.T) {
	inACME(t, acmetest.Options{}, func(t *testing.T, s *acmeScene) {
		s.ca.RejectNonces(2)
		s.start()
		s.pass(time.Minute)
		s.has(popHost)
		s.orders(1)
	})
}

// What a CA issues is not believed.
func TestWrongGoods(t *testing.T) {
	for name, wrong := range map[string]func(*acmetest.CA){
		"another name": func(ca *acmetest.CA) {
			ca.SetIssue(func(_ *x509.CertificateRequest, c *x509.Certificate) { c.DNSNames = []string{"other.example.com"} })
		},
		"expired": func(ca *acmetest.CA) {
			ca.SetIssue(func(_ *x509.CertificateRequest, c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Second) })
		},
		"another key": func(ca *acmetest.CA) { ca.SetWrongKey(true) },
	} {
		t.Run(name, func(t *testing.T) {
			inACME(t, acmetest.Options{}, func(t *testing.T, s *acmeScene) {
				wrong(s.ca)
				s.start()
				s.pass(24 * time.Hour)
				if s.leaf(popHost) != nil {
					t.Error("it is served")
				}
				if e := s.state(popHost).LastError; e == nil || e.Type != ProblemCertificate {
					t.Errorf("the error is %v", e)
				}
				if n := s.ca.Orders(""); n > 9 {
					t.Errorf("%d orders in a day", n)
				}
				s.ca.SetIssue(nil)
				s.ca.SetWrongKey(false)
				s.pass(7 * time.Hour)
				s.has(popHost)
			})
		})
	}
}

func TestExternalAccount(t *testing.T) {
	key := []byte("sixteen octets and more")
	inACME(t, acmetest.Options{RequireEAB: map[string][]byte{"kid-1": key}}, func(t *testing.T, s *acmeScene) {
		s.start()
		s.settled()
		if e := s.state(popHost).LastError; e == nil || e.Type != "externalAccountRequired" {
			t.Fatalf("without one the error is %v", e)
		}
		s.opts.ACME.EAB = &EAB{KeyID: "kid-1", Key: key}
		s.start()
		s.pass(6 * time.Minute)
		s.has(popHost)
		s.restart()
		_, err := s.automatic.Renew(t.Context(), popHost)
		must(t, err)
		if n := s.ca.Accounts(); n != 1 {
			t.Errorf("%d accounts", n)
		}
	})
}

// A wrong clock neither takes a certificate away from clients, whose clocks are
// right, nor leaves popgate waiting once it is set.
func TestWrongClock(t *testing.T) {
	for _, offset := range []time.Duration{100 * 24 * time.Hour, -100 * 24 * time.Hour} {
		inACME(t, acmetest.Options{}, func(t *testing.T, s *acmeScene) {
			s.start()
			s.settled()
			leaf := s.has(popHost)
			s.clock.set(offset)
			s.restart()
			s.pass(24 * time.Hour)
			s.has(popHost)
			s.clock.set(0)
			s.restart()
			s.pass(24 * time.Hour)
			s.has(popHost)
			if n := s.ca.Orders(""); n > 10 {
				t.Errorf("%v: %d orders", offset, n)
			}
			if offset < 0 && !s.has(popHost).Equal(leaf) {
				t.Error("a clock that is behind has brought a new certificate")
			}
		})
	}
}
