package e2e

import (
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The attack, and the limits that it meets. The limits are the defaults, written down.
const (
	attackers     = 50
	guesses       = 10_000 // of all attackers together
	atOnce        = 4      // sessions that an attacker has at a time; further ones follow
	accounts      = 200    // each with an owner, who polls
	housemates    = 5      // owners that share an address with an attacker
	loginAttempts = 3

	longestAttack = 2 * time.Minute

	failuresPerUser = 5
	failuresPerIP   = 20
)

// siege is popgate before a backend whose accounts are guessed at.
type siege struct {
	at     endpoint
	tls    *tls.Config
	delay  time.Duration // of refusals
	owners []account
	over   chan struct{} // closed when the attackers have given up
	by     time.Time     // when they must have

	refused, polls atomic.Int64
	slowest        atomic.Int64 // login of an owner, in nanoseconds

	mu       sync.Mutex
	problems []error
}

// TestAttackLeavesOwnersAlone: 50 addresses guess at 200 accounts, 10,000 times, while the owners of these accounts poll
// with their right passwords, some of them behind the same address as an attacker. No owner is ever refused, and the
// backend is dialed for each attacker as often as the documented limits allow, and no more.
//
// Deliberate: this test and that about times run alone, as both load the machine or need it quiet.
func TestAttackLeavesOwnersAlone(t *testing.T) {
	needAddresses(t, attackerAddress(0), ownerAddress(0))
	b := startBuiltin(t)
	s := newSiege(t, b)
	// A housemate's address is known before the attack, as it is in life.
	for i := range housemates {
		s.poll(i, attackerAddress(2*i))
	}
	began := time.Now()
	s.by = began.Add(longestAttack)
	var polling, attacking sync.WaitGroup
	for i := range s.owners {
		polling.Go(func() { s.keepPolling(i, ownerAddress(i)) })
	}
	for i := range housemates {
		polling.Go(func() { s.keepPolling(i, attackerAddress(2*i)) })
	}
	for attacker := range attackers {
		for line := range atOnce {
			attacking.Go(func() { s.guess(attacker, line) })
		}
	}
	attacking.Wait()
	took := time.Since(began)
	close(s.over)
	polling.Wait()
	s.count(t, b, took)
}

// newSiege starts popgate. Handshakes have much time, as a machine that runs tests can be slow.
func newSiege(t *testing.T, b *builtin) *siege {
	t.Helper()
	p := startPopgate(t, settings{timeouts: "handshake = \"60s\"", backends: backend("legacy", b.port()) + fmt.Sprintf(`
limits {
  login_attempts = %d
}
blocking {
  failures_per_user = %d
  failures_per_ip   = %d
  window            = "30m"
  first             = "5m"
}
`, loginAttempts, failuresPerUser, failuresPerIP)})
	s := &siege{at: p.implicit, tls: guestTLS(t, p.implicit), delay: delay(t), over: make(chan struct{})}
	for i := range accounts {
		s.owners = append(s.owners, b.mailbox(t, fmt.Sprintf("user%d@example.com", i), nil))
	}
	// Each attacker gets itself blocked once, whatever it does. Looked at when popgate has ended, so nothing is late.
	t.Cleanup(func() {
		p.stop()
		for check, want := range map[string]int{"blocked_ip": attackers / 2, "blocked_user": attackers / 2} {
			if got := len(p.log.lines(`popgate\.proxy: blocked: .*check=` + check + ` `)); got != want {
				t.Errorf("%d blocks %s, want %d", got, check, want)
			}
		}
	})
	return s
}

// attackerAddress is where an attacker comes from.
func attackerAddress(i int) string { return fmt.Sprintf("127.0.1.%d", i+1) }

// ownerAddress is where an owner comes from.
func ownerAddress(i int) string { return fmt.Sprintf("127.0.2.%d", i+1) }

// target is whose account an attacker tries at its nth guess. Every second attacker goes from account to account, the
// others stay with one.
func (s *siege) target(attacker, n int) string {
	if sprays(attacker) {
		return s.owners[(attacker+n)%accounts].user
	}
	return s.owners[attacker].user
}

// sprays says whether an attacker goes from account to account.
func sprays(attacker int) bool { return attacker%2 == 0 }

// guess is one of an attacker's lines of sessions, each of which takes as many guesses as popgate allows.
func (s *siege) guess(attacker, line int) {
	var g *guest
	tries := 0
	for n := line; n < guesses/attackers; n += atOnce {
		if time.Now().After(s.by) {
			s.failed(fmt.Errorf("attacker %d has no time left for guess %d", attacker, n))
			break
		}
		if g == nil {
			var err error
			if g, err = visitFrom(attackerAddress(attacker), s.at, s.tls); err != nil {
				s.failed(fmt.Errorf("attacker %d connects: %w", attacker, err))
				return
			}
			tries = 0
		}
		answer, took, err := g.login(account{s.target(attacker, n), newPassword()})
		if err != nil || answer != "-ERR [AUTH] authentication failed\r\n" || took < s.delay {
			s.failed(fmt.Errorf("attacker %d, guess %d was answered %q after %v: %v", attacker, n, answer, took, err))
			g.Close()
			return
		}
		s.refused.Add(1)
		if tries++; tries == loginAttempts {
			if err := g.isOver(); err != nil {
				s.failed(fmt.Errorf("attacker %d: %w", attacker, err))
			}
			g = nil
		}
	}
	if g != nil {
		g.Close()
	}
}

// keepPolling polls an account every few seconds, as a mail client does that is set to do so often.
func (s *siege) keepPolling(owner int, from string) {
	for {
		s.poll(owner, from)
		pause := time.NewTimer(time.Second + rand.N(2*time.Second))
		select {
		case <-s.over:
			pause.Stop()
			s.poll(owner, from)
			return
		case <-pause.C:
		}
	}
}

// poll logs an owner in and out.
func (s *siege) poll(owner int, from string) {
	if err := s.tryPoll(owner, from); err != nil {
		s.failed(fmt.Errorf("owner %d at %s: %w", owner, from, err))
		return
	}
	s.polls.Add(1)
}

func (s *siege) tryPoll(owner int, from string) error {
	g, err := visitFrom(from, s.at, s.tls)
	if err != nil {
		return err
	}
	answer, took, err := g.login(s.owners[owner])
	if err != nil || answer != "+OK in\r\n" {
		g.Close()
		return fmt.Errorf("the right password was answered %q after %v: %v", answer, took, err)
	}
	for {
		slowest := s.slowest.Load()
		if int64(took) <= slowest || s.slowest.CompareAndSwap(slowest, int64(took)) {
			break
		}
	}
	return g.quit()
}

// failed notes what must not happen.
func (s *siege) failed(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problems = append(s.problems, err)
}

// count compares what has happened with what may.
func (s *siege) count(t *testing.T, b *builtin, took time.Duration) {
	t.Helper()
	for _, err := range s.problems[:min(5, len(s.problems))] {
		t.Error(err)
	}
	if n := len(s.problems); n > 0 {
		t.Fatalf("%d problems, the first of them above", n)
	}
	if got := s.refused.Load(); got != guesses {
		t.Errorf("%d guesses were refused, want all %d", got, guesses)
	}
	polls, dials, logins := s.polls.Load(), b.dials.Load(), b.logins.Load()
	if logins != polls {
		t.Errorf("the backend took %d logins, the owners had %d", logins, polls)
	}
	// An attacker is blocked by its 20th guess, or its 5th at one account, and no more of them are let through at the same
	// moment. Only the guess at a housemate's account may come on top, as the address is welcome as this user.
	least := attackers / 2 * (failuresPerUser + failuresPerIP)
	most := least + housemates
	wrong := int(dials - logins)
	if wrong < least || wrong > most {
		t.Errorf("the backend was dialed for %d of the guesses, want %d to %d", wrong, least, most)
	}
	t.Logf("%d guesses in %v, %d of them refused without a dial; the backend saw %d (at most %d allowed); "+
		"%d polls of %d owners and %d housemates, the slowest login took %v",
		guesses, took.Round(time.Millisecond), guesses-wrong, wrong, most, polls, accounts, housemates,
		time.Duration(s.slowest.Load()).Round(time.Millisecond))
}
