package tlsconf

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"popgate/internal/poptest/acmetest"
)

// A reload neither calls off an order for a host that stays nor makes another.
func TestReloadDuringAnOrder(t *testing.T) {
	inACME(t, acmetest.Options{Latency: time.Second}, func(t *testing.T, s *acmeScene) {
		s.start()
		for range 5 {
			s.pass(time.Second)
			s.start()
		}
		s.pass(time.Minute)
		s.has(popHost)
		s.orders(1)
	})
}

// A host that is added is ordered; one that is removed is not served any more,
// its order is called off, and it is never renewed.
func TestReloadAddsAndRemovesHosts(t *testing.T) {
	inACME(t, acmetest.Options{}, func(t *testing.T, s *acmeScene) {
		s.start()
		s.settled()
		s.opts.ACME.Hosts = []string{popHost, "new.example.com"}
		s.start()
		s.settled()
		s.has(popHost)
		s.has("new.example.com")
		s.orders(2)

		s.opts.ACME.Hosts = []string{"new.example.com"}
		s.start()
		if s.leaf(popHost) != nil {
			t.Error("a removed host is served")
		}
		s.pass(200 * 24 * time.Hour)
		if n := s.ca.Orders(popHost); n != 1 {
			t.Errorf("%d orders for a removed host", n)
		}

		s.opts.ACME.Hosts = []string{popHost}
		s.ca.SetFault(func(stage, _ string, _ *http.Request) *acmetest.Fault {
			if stage == "order" {
				return &acmetest.Fault{Hang: true}
			}
			return nil
		})
		s.start()
		s.settled()
		s.opts.ACME.Hosts = []string{"new.example.com"}
		s.start()
		s.pass(5 * time.Second)
		s.logged(1, "certificate order called off: host=pop.example.com")
		if s.seen.drain("order failed") != 0 {
			t.Error("an order that was called off counts as failed")
		}
	})
}

// Neither a reload nor a restart makes back-off forgotten.
func TestBackoffSurvives(t *testing.T) {
	refuse := func(context.Context, string, string, string, string) error {
		return &acmetest.Problem{Type: "connection", Detail: "refused"}
	}
	inACME(t, acmetest.Options{Validate: refuse}, func(t *testing.T, s *acmeScene) {
		s.answers = []string{HTTP01}
		s.start()
		s.settled()
		s.orders(1)
		for range 20 {
			s.start()
			s.restart()
		}
		s.settled()
		s.orders(1)
		if e := s.state(popHost); e.LastError == nil || e.LastError.Type != "connection" || e.Failures != 1 {
			t.Errorf("state %+v", e)
		}
		s.pass(6 * time.Minute)
		s.orders(2)
		// A clock that was far ahead when the record was written.
		s.stop()
		s.stop = func() {}
		s.cache.set(popHost+failureSuffix, []byte(`{"failures":2,"next_try":"2090-01-01T00:00:00Z","type":"dns"}`))
		s.restart()
		s.pass(7 * time.Hour)
		s.orders(3)
	})
}

// Another directory is another CA: what the first one has issued is served until
// the other has, and never after.
func TestReloadToAnotherCA(t *testing.T) {
	inACME(t, acmetest.Options{}, func(t *testing.T, s *acmeScene) {
		s.start()
		s.settled()
		staging := s.has(popHost)
		s.ca = acmetest.New(t, acmetest.Options{Host: "production.test", Validate: s.validate})
		s.cache = newMemory()
		s.ca.Down()
		s.opts.ACME = &ACME{Directory: s.ca.DirectoryURL(), Hosts: []string{popHost}, Cache: s.cache}
		s.start()
		s.settled()
		if !s.has(popHost).Equal(staging) || s.cache.entry(popHost) != nil {
			t.Error("the first CA's certificate isn't served until there is another, or is kept as the other's")
		}
		s.start()
		s.settled()
		s.has(popHost)
		s.ca.Up()
		s.pass(6 * time.Minute)
		if s.has(popHost).Equal(staging) || s.cache.entry(popHost) == nil {
			t.Error("the first CA's certificate is served still")
		}
	})
}

// Files win for the names that they cover, as long as they are valid.
func TestFilesWin(t *testing.T) {
	inACME(t, acmetest.Options{}, func(t *testing.T, s *acmeScene) {
		dir := t.TempDir()
		files := newPEM(t, issue{names: []string{"*.example.com"}, notAfter: time.Now().Add(24 * time.Hour)}).write(t, dir, "wild")
		s.opts.Certificates = []Files{files}
		s.opts.ACME.Hosts = []string{popHost, "pop.example.net"}
		s.opts.PollInterval = time.Minute
		s.start()
		s.settled()
		s.has("pop.example.net")
		if n := s.ca.Orders(popHost); n != 0 || s.CoveredByFile("pop.example.net") || !s.CoveredByFile(popHost) {
			t.Errorf("%d orders for a host that a file covers", n)
		}
		fromFile := s.has(popHost)
		s.pass(25 * time.Hour) // the file has expired
		if s.has(popHost).Equal(fromFile) || s.ca.Orders(popHost) != 1 {
			t.Error("ACME doesn't step in for a file that has expired")
		}
		renewed := newPEM(t, issue{names: []string{"*.example.com"}, notAfter: time.Now().Add(24 * time.Hour)})
		renewed.write(t, dir, "wild")
		s.pass(2 * time.Minute)
		if !s.has(popHost).Equal(renewed.leaf) {
			t.Error("a file that is good again doesn't win")
		}
	})
}

// An operator's wish is carried out at once, whatever popgate's own back-off
// says, and the outcome is told.
func TestRenewOnRequest(t *testing.T) {
	inACME(t, acmetest.Options{Latency: 100 * time.Millisecond}, func(t *testing.T, s *acmeScene) {
		if _, err := s.automatic.Renew(t.Context(), popHost); !errors.Is(err, ErrNotAutomatic) {
			t.Errorf("before the start: %v", err)
		}
		s.ca.Down()
		s.start()
		s.settled()
		if _, err := s.automatic.Renew(t.Context(), "other.example.com"); !errors.Is(err, ErrUnknownHost) {
			t.Errorf("an unknown host: %v", err)
		}
		var failed *OrderError
		if state, err := s.automatic.Renew(t.Context(), "POP.example.com."); !errors.As(err, &failed) || state.Failures != 2 {
			t.Errorf("while the CA is down: %+v, %v", state, err)
		}
		s.ca.Up()
		state, err := s.automatic.Renew(t.Context(), popHost)
		must(t, err)
		synctest.Wait()
		first := s.has(popHost)
		if !state.NotAfter.Equal(first.NotAfter) || state.Issuer != "popgate test ACME intermediate" {
			t.Errorf("state %+v", state)
		}
		_, err = s.automatic.Renew(t.Context(), popHost)
		must(t, err)
		synctest.Wait()
		if s.has(popHost).Equal(first) {
			t.Error("not renewed, as it isn't due")
		}
		s.orders(2)
	})
}

// Whoever waits is told when popgate goes, or the host is dropped.
func TestRenewEndsWithTheHost(t *testing.T) {
	for name, end := range map[string]func(s *acmeScene){
		"stopped": func(s *acmeScene) { s.automatic.Close() },
		"dropped": func(s *acmeScene) { s.opts.ACME.Hosts = []string{"other.example.com"}; s.start() },
	} {
		t.Run(name, func(t *testing.T) {
			inACME(t, acmetest.Options{}, func(t *testing.T, s *acmeScene) {
				s.start()
				s.settled()
				s.ca.SetFault(func(string, string, *http.Request) *acmetest.Fault { return &acmetest.Fault{Hang: true} })
				told := make(chan error, 1)
				go func() {
					_, err := s.automatic.Renew(context.Background(), popHost)
					told <- err
				}()
				s.settled()
				end(s)
				if err := <-told; !errors.Is(err, ErrStopped) {
					t.Errorf("told %v", err)
				}
			})
		})
	}
}
