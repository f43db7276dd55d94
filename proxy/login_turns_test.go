package proxy_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"popgate/authz"
	"popgate/internal/poptest"
	"popgate/internal/route"
)

// slow is a hall with rules, before a choosy backend that takes its time for
// each password.
func slow(t *testing.T, rules authz.Rules, takes time.Duration) *hall {
	t.Helper()
	return guardedBefore(t, rules, func(line string) (answer string, more bool) {
		if strings.HasPrefix(line, "PASS ") {
			<-time.After(takes)
		}
		return choosy(line)
	})
}

// Passwords that were tried at another tenant's host have never been near a
// backend: at the right one they are as good as new, and get as far.
func TestGuessesAtAnotherHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		few := authz.Blocking{FailuresPerUser: 5, FailuresPerIP: 1000, Window: time.Hour, First: time.Hour, Longest: time.Hour}
		h := newHall(t, poptest.Answers("+OK\r\n", choosy), func(p *plan) {
			p.rules.Limits.Connections, p.rules.Limits.ConnectionsPerIP, p.rules.Limits.ConnectionsBeforeLogin = 1000, 1000, 1000
			p.rules.Blocking = few
			p.settings.LoginAttempts = 1000
			p.settings.Timeouts.Login = time.Hour
			p.routes.Tenants = []route.Tenant{
				{Name: "acme", Hosts: []string{"pop.acme.example"}, Domains: []string{"acme.example"}, Backend: "east"},
				{Name: "bolt", Hosts: []string{"pop.bolt.example"}, Domains: []string{"bolt.example"}, Backend: "east"},
			}
		})
		defer h.close()
		h.tls.InsecureSkipVerify = true
		const guesses = 40
		for _, host := range []string{"pop.bolt.example", "pop.acme.example"} {
			h.tls.ServerName = host
			m := h.from(t, "198.51.100.7")
			for i := range guesses {
				m.tries(t, "joe@acme.example", fmt.Sprint("guess", i), authRefusal)
			}
			_ = m.under.Close()
		}
		if dials := h.backend.Connections(); dials != few.FailuresPerUser {
			t.Errorf("%d dials, want %d", dials, few.FailuresPerUser)
		}
		h.log.await(t, `"reason":"bad_name"`, guesses)
		h.log.await(t, `"reason":"password_refused"`, few.FailuresPerUser)
		h.log.await(t, `"reason":"blocked_user"`, guesses-few.FailuresPerUser)
	})
}

// Guesses in many sessions at once get no further than those that come one
// after the other, and are told the same: not before failure_delay, and, where
// they had to wait for others, not before those were answered.
func TestParallelGuesses(t *testing.T) {
	few := authz.Blocking{FailuresPerUser: 5, FailuresPerIP: 8, Window: time.Hour, First: time.Hour, Longest: time.Hour}
	for name, test := range map[string]struct {
		user  func(i int) string
		takes time.Duration // the backend
		dials int
	}{
		"as one user, a quick backend":   {func(int) string { return "joe" }, time.Second, 5},
		"as one user, a slow backend":    {func(int) string { return "joe" }, 10 * time.Second, 5},
		"as many users, a quick backend": {func(i int) string { return fmt.Sprint("joe", i) }, time.Second, 8},
		"as many users, a slow backend":  {func(i int) string { return fmt.Sprint("joe", i) }, 10 * time.Second, 8},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := slow(t, authz.Rules{Blocking: few}, test.takes)
				defer h.close()
				const guessers = 32
				var clients []*mail
				for range guessers {
					clients = append(clients, h.from(t, "198.51.100.7"))
				}
				want := max(test.takes, 3*time.Second)
				var all sync.WaitGroup
				for i, m := range clients {
					all.Go(func() {
						began := time.Now()
						if err := m.asks("USER "+test.user(i), "+OK\r\n", fmt.Sprint("PASS guess", i), authRefusal); err != nil {
							t.Error(err)
						}
						if took := time.Since(began); took != want {
							t.Errorf("%d: refused after %v, want %v", i, took, want)
						}
					})
				}
				all.Wait()
				if n := h.backend.Connections(); n != test.dials {
					t.Errorf("%d guesses at once cost %d connections, want %d", guessers, n, test.dials)
				}
				for _, m := range clients {
					_ = m.under.Close()
				}
			})
		})
	}
}

// Who waits for others gets in when they are in: they needn't leave before.
func TestSessionsThatAreInHoldNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := slow(t, authz.Rules{Blocking: authz.Blocking{FailuresPerUser: 2, FailuresPerIP: 4, Window: time.Hour, First: time.Hour, Longest: time.Hour}}, time.Second)
		defer h.close()
		began := time.Now()
		var clients []*mail
		for range 10 {
			clients = append(clients, h.from(t, "198.51.100.7"))
		}
		var all sync.WaitGroup
		for _, m := range clients {
			all.Go(func() { m.tries(t, "joe", "sesame", "+OK\r\n") })
		}
		all.Wait()
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("ten logins, two at a time, took %v, want 5s", took)
		}
		for _, m := range clients {
			if err := m.ask("QUIT", "+OK"); err != nil {
				t.Error(err)
			}
		}
	})
}

// An outage is no answer: who waited for a backend that fails is next, and asks
// it too.
func TestOutagesLetTheNextOneTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangsUp := func(line string) (string, bool) {
			if !strings.HasPrefix(line, "PASS ") {
				return "+OK\r\n", true
			}
			<-time.After(time.Second)
			return "", false
		}
		h := guardedBefore(t, authz.Rules{Blocking: authz.Blocking{FailuresPerUser: 1, FailuresPerIP: 2, Window: time.Hour, First: time.Hour, Longest: time.Hour}}, hangsUp)
		defer h.close()
		var all sync.WaitGroup
		for range 6 {
			m := h.from(t, "198.51.100.7")
			all.Go(func() {
				m.tries(t, "joe", "sesame", "-ERR [SYS/TEMP] ")
				_ = m.under.Close()
			})
		}
		all.Wait()
		if n := h.backend.Connections(); n != 6 {
			t.Errorf("%d connections, want one for each of the 6", n)
		}
		if blocks := h.guard.Blocks(t.Context()); len(blocks) != 0 {
			t.Errorf("blocked: %+v", blocks)
		}
	})
}

// Draining doesn't wait for those that wait, and says nothing of a block.
func TestDrainingEndsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := slow(t, authz.Rules{Blocking: authz.Blocking{FailuresPerUser: 1, Window: time.Hour, First: time.Hour, Longest: time.Hour}}, time.Minute)
		defer h.close()
		first, second := h.from(t, "198.51.100.7"), h.from(t, "198.51.100.7")
		var all sync.WaitGroup
		for _, m := range []*mail{first, second} {
			all.Go(func() { m.tries(t, "joe", "wrong", "-ERR [SYS/TEMP] the server is restarting") })
		}
		synctest.Wait()
		if n := h.backend.Connections(); n != 1 {
			t.Errorf("%d connections, want that of the first one", n)
		}
		began := time.Now()
		h.stop()
		all.Wait()
		if took := time.Since(began); took != 0 {
			t.Errorf("told after %v", took)
		}
		h.log.await(t, `"reason":"draining"`, 2)
		if strings.Contains(h.log.String(), "blocked_user") {
			t.Errorf("the log names a block:\n%s", h.log)
		}
	})
}
