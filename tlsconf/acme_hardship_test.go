package tlsconf

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"popgate/internal/poptest/acmetest"
)

// Whatever becomes of an order, autocert's Manager ends with it: nothing holds
// it any more, and no timer of it orders again.
func TestManagersEnd(t *testing.T) {
	for name, test := range map[string]struct {
		lifetime time.Duration
		fault    *acmetest.Fault
		cancel   time.Duration
		wait     time.Duration
	}{
		"timer during the order": {time.Hour + 40*time.Second, nil, 0, time.Minute},
		"6 days":                 {6 * 24 * time.Hour, nil, 0, time.Minute},
		"90 days":                {90 * 24 * time.Hour, nil, 0, 62 * 24 * time.Hour},
		"a failure":              {90 * 24 * time.Hour, &acmetest.Fault{Status: 500}, 0, 10 * time.Minute},
		"called off":             {90 * 24 * time.Hour, &acmetest.Fault{Hang: true}, time.Second, 10 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ca := acmetest.New(t, acmetest.Options{Lifetime: test.lifetime, WaitPolls: 2, IssuePolls: 2})
				ca.SetFault(func(stage, _ string, _ *http.Request) *acmetest.Fault {
					if stage == "finalize" {
						return test.fault
					}
					return nil
				})
				var gone atomic.Bool
				orderOnce(t, ca, test.cancel, &gone)
				orders := ca.Orders("")
				<-time.After(test.wait)
				synctest.Wait()
				for range 100 {
					if gone.Load() {
						break
					}
					runtime.GC()
					<-time.After(time.Millisecond)
				}
				if !gone.Load() || ca.Orders("") != orders {
					t.Errorf("gone: %v; %d orders, then %d", gone.Load(), orders, ca.Orders(""))
				}
			})
		})
	}
}

// orderOnce makes one order, whose Manager holds something that tells when it is
// gone.
func orderOnce(t *testing.T, ca *acmetest.CA, cancelAfter time.Duration, gone *atomic.Bool) {
	shared := newMemory()
	runtime.AddCleanup(shared, func(g *atomic.Bool) { g.Store(true) }, gone)
	account, err := newAccount()
	must(t, err)
	issuer := &autocertIssuer{directory: ca.DirectoryURL(), account: account, transport: ca,
		tokens: newTokens(time.Now), shared: shared, now: time.Now}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if cancelAfter > 0 {
		time.AfterFunc(cancelAfter, cancel)
	}
	_, _ = issuer.Issue(ctx, popHost, HTTP01)
}

// Operators may look at any moment, during a reload too.
func TestCertificatesDuringReloads(t *testing.T) {
	ca := acmetest.New(t, acmetest.Options{})
	seen := newRecorder()
	automatic := NewAutomatic(AutomaticOptions{Transport: transportTo(ca), Observer: seen})
	defer automatic.Close()
	hosts := []string{"a.example.com", "b.example.com", "c.example.com"}
	cache := newMemory()
	source := func(hosts []string) *Source {
		s := newTestSource(t, Options{Automatic: automatic, ACME: &ACME{Directory: ca.DirectoryURL(), Hosts: hosts, Cache: cache}})
		s.Answer(HTTP01)
		return s
	}
	stop := run(t, source(hosts))
	for range 2 * len(hosts) { // ordered, and issued
		<-seen.events
	}
	stop()
	for i := range 20 {
		s := source(hosts[:1+2*(i%2)])
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for ctx.Err() == nil {
					_ = s.Certificates()
				}
			})
		}
		stop := run(t, s)
		for s.authority.Load() == nil {
			runtime.Gosched()
		}
		cancel()
		all.Wait()
		stop()
	}
}

// An entry that was damaged and isn't any more stays where it is.
func TestMendedEntryIsNotSetAside(t *testing.T) {
	inACME(t, acmetest.Options{}, func(t *testing.T, s *acmeScene) {
		s.cache.set(popHost, []byte("garbage"))
		s.opts.Automatic, s.opts.Logger, s.opts.Observer, s.opts.Now = s.automatic, s.log, s.seen, s.clock.now
		s.Source = polling(t, s.opts)
		s.cache.set(popHost, nil) // somebody has removed it
		s.Answer(s.answers...)
		s.stop = run(t, s.Source)
		s.settled()
		s.has(popHost)
		s.pass(5 * time.Minute)
		if s.cache.entry(popHost) == nil || len(s.cache.aside) != 0 {
			t.Error("the good entry was set aside")
		}
	})
}

// An account's key that can't be read for a moment is not replaced.
func TestAccountSurvivesAReadError(t *testing.T) {
	inACME(t, acmetest.Options{}, func(t *testing.T, s *acmeScene) {
		s.start()
		s.settled()
		key := string(s.cache.entry(accountKey))
		s.cache.fail(errors.New("input/output error"), nil)
		s.restart()
		s.settled()
		s.logged(1, `certificate cache can't be read, what it lacks is ordered: error="input/output error"`)
		s.cache.fail(nil, nil)
		s.pass(2 * time.Minute)
		s.has(popHost)
		_, err := s.automatic.Renew(t.Context(), popHost)
		must(t, err)
		if string(s.cache.entry(accountKey)) != key || s.ca.Accounts() != 1 {
			t.Errorf("%d accounts", s.ca.Accounts())
		}
		s.cache.fail(errors.New("input/output error"), nil)
		s.restart()
		s.pass(time.Hour)
		s.has(popHost) // by another account, for now
		s.cache.fail(nil, nil)
		s.pass(5 * time.Minute)
		if string(s.cache.entry(accountKey)) != key {
			t.Error("the key was replaced")
		}
	})
}

// A host that is removed and added again has one order at a time, and the end of
// the first doesn't disturb the second.
func TestRemoveAndAddAtOnce(t *testing.T) {
	for _, latency := range []time.Duration{50 * time.Millisecond, 150 * time.Millisecond} {
		for at := 500 * time.Millisecond; at <= 2500*time.Millisecond; at += 100 * time.Millisecond {
			inACME(t, acmetest.Options{WaitPolls: 4, Latency: latency}, func(t *testing.T, s *acmeScene) {
				s.answers = []string{TLSALPN01}
				s.start()
				s.pass(at)
				for _, host := range []string{"other.example.com", popHost} {
					s.opts.ACME.Hosts = []string{host}
					s.start()
				}
				s.pass(3 * time.Minute) // the first order may count as interrupted
				s.has(popHost)
				if n := s.ca.FailedValidations(); n > 0 {
					t.Errorf("%v, %v: %d failed validations", latency, at, n)
				}
			})
		}
	}
}

// A CA's longest wish counts, and one without a time is an hour.
func TestPauseIsNeverShortened(t *testing.T) {
	for name, test := range map[string]struct {
		headers []string
		want    time.Duration
	}{
		"the longer one first": {[]string{"86400", "60"}, 24 * time.Hour},
		"the shorter one":      {[]string{"60", "86400"}, 24 * time.Hour},
		"no time":              {[]string{"", ""}, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			inACME(t, acmetest.Options{}, func(t *testing.T, s *acmeScene) {
				var n atomic.Int32
				s.ca.SetFault(func(stage, _ string, _ *http.Request) *acmetest.Fault {
					if stage != "order" {
						return nil
					}
					fault := &acmetest.Fault{Status: 429, Problem: rateLimited, Header: make(http.Header)}
					if value := test.headers[(n.Add(1)-1)%2]; value != "" {
						fault.Header.Set("Retry-After", value)
					}
					return fault
				})
				s.opts.ACME.Hosts = []string{popHost, "b.example.com"}
				s.start()
				if got := time.Until(s.state(popHost).PausedUntil); got != test.want {
					t.Errorf("paused for %v, want %v", got, test.want)
				}
			})
		})
	}
}

// What a CA wants of one host (503, Retry-After) that host heeds.
func TestRetryAfterOfAHost(t *testing.T) {
	inACME(t, acmetest.Options{}, func(t *testing.T, s *acmeScene) {
		s.ca.SetFault(func(stage, _ string, _ *http.Request) *acmetest.Fault {
			if stage == "order" {
				return &acmetest.Fault{Status: 503, Problem: "serverInternal", Header: http.Header{"Retry-After": {"7200"}}}
			}
			return nil
		})
		s.start()
		s.settled()
		s.ca.SetFault(nil)
		s.pass(2*time.Hour - time.Minute)
		if s.leaf(popHost) != nil {
			t.Error("tried before")
		}
		s.pass(2 * time.Minute)
		s.has(popHost)
	})
}

// A CA's way to say when to look again never makes popgate look without a rest.
func TestPollsRest(t *testing.T) {
	for _, header := range []string{"-5", "0", "Mon, 02 Jan 1999 15:04:05 GMT", "86400"} {
		inACME(t, acmetest.Options{WaitPolls: 5}, func(t *testing.T, s *acmeScene) {
			s.ca.SetFault(func(stage, _ string, _ *http.Request) *acmetest.Fault {
				if stage == "authz" {
					return &acmetest.Fault{Header: http.Header{"Retry-After": {header}}}
				}
				return nil
			})
			s.start()
			s.pass(4 * time.Second)
			if s.leaf(popHost) != nil {
				t.Errorf("%q: five polls took less than 4 s", header)
			}
			s.pass(20 * time.Second)
			s.has(popHost)
		})
	}
}

// A CA that offers only one of the two challenges gets that one at once.
func TestCAOffersOneChallenge(t *testing.T) {
	for _, offered := range []string{HTTP01, TLSALPN01} {
		inACME(t, acmetest.Options{Challenges: []string{offered}}, func(t *testing.T, s *acmeScene) {
			s.start()
			s.settled()
			s.has(popHost)
		})
	}
	inACME(t, acmetest.Options{Challenges: []string{"dns-01"}}, func(t *testing.T, s *acmeScene) {
		s.start()
		s.settled()
		if e := s.state(popHost).LastError; e == nil || e.Type != ProblemChallenge || !strings.Contains(e.Detail, "doesn't offer http-01") {
			t.Errorf("the error is %v", e)
		}
	})
}

// Another cache gets all that the next process must know; a CA that is taken out
// of the configuration and put back is known still.
func TestCacheMovesWithAllThatIsKnown(t *testing.T) {
	inACME(t, acmetest.Options{}, func(t *testing.T, s *acmeScene) {
		s.ca.SetFault(func(stage, _ string, _ *http.Request) *acmetest.Fault {
			if stage == "order" {
				return &acmetest.Fault{Status: 429, Problem: rateLimited, Header: http.Header{"Retry-After": {"86400"}}}
			}
			return nil
		})
		s.start()
		s.settled()
		s.cache = newMemory()
		s.opts.ACME.Cache = s.cache
		s.start()
		s.settled()
		for _, key := range []string{accountKey, pauseKey, popHost + failureSuffix} {
			if s.cache.entry(key) == nil {
				t.Errorf("the new cache lacks %s", key)
			}
		}
		acme := s.opts.ACME
		s.opts.ACME, s.opts.SelfSigned = nil, true
		s.start()
		s.cache.fail(errDiskFull, errDiskFull)
		s.opts.ACME = acme
		s.start()
		s.settled()
		if n := s.ca.Requests("order"); n != 1 {
			t.Errorf("%d orders were tried, though the CA wants none", n)
		}
	})
}

// Names that no CA issues for cost no order, and are told.
func TestImpossibleNames(t *testing.T) {
	inACME(t, acmetest.Options{}, func(t *testing.T, s *acmeScene) {
		long := strings.Repeat(strings.Repeat("a", 60)+".", 4) + "example"
		s.opts.ACME.Hosts = []string{"ab--cd.example.com", "xn--zzzzzz.example.com", "single", long, popHost}
		s.start()
		s.settled()
		s.has(popHost)
		s.orders(1)
		s.logged(1, "hosts that no CA issues certificates for: count=4")
	})
}

// A process that is ended before the CA has answered, again and again, doesn't
// order each time.
func TestOrdersAreBoundedOverRestarts(t *testing.T) {
	inACME(t, acmetest.Options{Latency: time.Second}, func(t *testing.T, s *acmeScene) {
		for range 20 {
			s.restart()
			s.pass(3500 * time.Millisecond) // an order is there, and not done
		}
		if n := s.ca.Orders(""); n < 1 || n > 3 {
			t.Errorf("%d orders in 20 starts", n)
		}
		s.logged(19, "[WARN]  test.acme: host waits with its next order: host=pop.example.com")
		s.pass(25 * time.Minute)
		s.has(popHost)
		if keys := s.cache.keys(); len(keys) != 2 {
			t.Errorf("the cache holds %q", keys)
		}
	})
}

// Only what a CA could not validate narrows the next try to one challenge.
func TestOutageDoesNotChooseTheChallenge(t *testing.T) {
	var s *acmeScene
	opts := acmetest.Options{Validate: func(ctx context.Context, typ, host, token, keyAuth string) error {
		if typ == TLSALPN01 {
			return &acmetest.Problem{Type: "connection", Detail: "port 443 is closed"}
		}
		return s.validate(ctx, typ, host, token, keyAuth)
	}}
	inACME(t, opts, func(t *testing.T, scene *acmeScene) {
		s = scene
		s.ca.Down()
		s.start()
		s.settled()
		s.ca.Up()
		_, err := s.automatic.Renew(t.Context(), popHost)
		must(t, err)
		if n := s.ca.FailedValidations(); n != 0 {
			t.Errorf("%d failed validations", n)
		}
	})
}

// Nothing of a CA's is believed that ACME doesn't have.
func TestStrangeCAs(t *testing.T) {
	for name, test := range map[string]struct {
		answer func() *http.Response
		want   string
	}{
		"HTML":            {func() *http.Response { return answerOf(200, "<html>") }, "network: the CA's answer is not what ACME has there"},
		"another address": {func() *http.Response { return answerOf(302, "", "Location", "https://other.test/") }, `to "https://other.test/", which is not followed`},
		"no HTTPS": {func() *http.Response {
			return answerOf(200, `{"newNonce":"http://ca.test/n","newAccount":"http://ca.test/a","newOrder":"http://ca.test/o"}`)
		}, `network: the CA names "http://ca.test/`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				account, err := newAccount()
				must(t, err)
				issuer := &autocertIssuer{directory: "https://ca.test/directory", account: account, tokens: newTokens(time.Now), now: time.Now,
					transport: roundTripper(func(*http.Request) (*http.Response, error) { return test.answer(), nil })}
				began := time.Now()
				_, err = issuer.Issue(t.Context(), popHost, HTTP01)
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("the error is %v, want %s", err, test.want)
				}
				if took := time.Since(began); took > time.Minute {
					t.Errorf("after %v", took)
				}
			})
		})
	}
}

// A chain that no client takes is not served.
func TestHugeChain(t *testing.T) {
	inACME(t, acmetest.Options{}, func(t *testing.T, s *acmeScene) {
		s.ca.SetIssue(func(_ *x509.CertificateRequest, c *x509.Certificate) {
			c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3}, Value: make([]byte, maxChain)})
		})
		s.start()
		s.settled()
		if s.leaf(popHost) != nil {
			t.Error("it is served")
		}
		if e := s.state(popHost).LastError; e == nil || e.Type != ProblemCertificate {
			t.Errorf("the error is %v", e)
		}
	})
}
