package e2e

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	sessionsPerKind = 20
	triesPerSession = 10
	// thinking is how long the backend takes to refuse. It is what a guesser would see if the failure delay didn't
	// hide it.
	thinking = 50 * time.Millisecond
)

// refusalKind is one way of being refused. All must look the same.
type refusalKind struct {
	name   string
	reason string         // in popgate's log
	tries  func() account // what is tried
}

// TestEnumerationLearnsNothing: a wrong password, an unknown user, an unknown tenant and a name that can't be; and, with
// the right password, an address that is blocked, a login that comes too fast, and one that a policy denies. 200 tries of
// each, mixed, get the same bytes, and their times don't tell them apart.
//
// Deliberate: this test and the attack run alone, as the one needs a machine with time and the other takes it.
func TestEnumerationLearnsNothing(t *testing.T) {
	needAddresses(t, "127.0.10.1")
	p, kinds := startEnumeration(t)
	config := guestTLS(t, p.implicit)
	times := make([][]float64, len(kinds))
	var mu sync.Mutex
	var first, rest sync.WaitGroup
	begin := make(chan struct{})
	door := make(chan struct{}, 8) // so many handshakes at once
	for k, kind := range kinds {
		for n := range sessionsPerKind {
			first.Add(1)
			rest.Go(func() {
				e := enumerator{kind: kind, from: kind.from(k, n), door: door, begin: begin, ready: sync.OnceFunc(first.Done)}
				err := e.run(p.implicit, config)
				e.ready()
				mu.Lock()
				defer mu.Unlock()
				times[k] = append(times[k], e.times...)
				if err != nil {
					t.Errorf("%s from %s: %v", kind.name, e.from, err)
				}
			})
		}
	}
	first.Wait()
	close(begin)
	rest.Wait()
	if t.Failed() {
		return
	}
	for k, kind := range kinds {
		if got := len(p.log.lines(`login: event=login result=refused reason=` + kind.reason + ` `)); got < len(times[k]) {
			t.Errorf("%s: %d refusals for the reason %s, want %d", kind.name, got, kind.reason, len(times[k]))
		}
		compareTimes(t, kind.name, times[k], slices.Concat(slices.Concat(times[:k]...), slices.Concat(times[k+1:]...)), delay(t))
	}
}

// startEnumeration runs popgate before a slow backend, and says how to be refused there.
func startEnumeration(t *testing.T) (*popgate, []refusalKind) {
	t.Helper()
	b := startBuiltin(t)
	slow := hesitant(t, b.port(), thinking)
	p := startPopgate(t, settings{timeouts: "login = \"10m\"", backends: backend("legacy", slow) + backend("other", b.port()) + `
tenant "open" {
  domains = ["open.example"]
  backend = "legacy"
}
tenant "slow" {
  domains = ["slow.example"]
  backend = "legacy"
  limits {
    login_rate = "1/h"
  }
}
tenant "closed" {
  domains = ["closed.example"]
  backend = "legacy"
  policy "nobody" {
    deny = "closed for now"
  }
}
limits {
  login_attempts = 100
}
blocking {
  failures_per_user = 0
  failures_per_ip   = 20 # the blocked address has so many sessions, whose first guess is another one each
}
`})
	joe := b.mailbox(t, "joe@open.example", nil)
	slowJoe, closedJoe := b.mailbox(t, "joe@slow.example", nil), b.mailbox(t, "joe@closed.example", nil)
	wrong := func(user string) func() account {
		return func() account { return account{user, newPassword()} }
	}
	right := func(a account) func() account {
		return func() account { return a }
	}
	return p, []refusalKind{
		{"wrong password", "password_refused", wrong(joe.user)},
		{"unknown user", "password_refused", wrong("nobody@open.example")},
		{"unknown tenant", "no_route", wrong("joe@elsewhere.example")},
		{"no name", "bad_name", wrong("joe@joe@open.example")},
		{blockedKind, "blocked_ip", right(joe)},
		{"throttled", "login_rate", right(slowJoe)},
		{"denied", "policy", right(closedJoe)},
	}
}

// blockedKind is the name of the kind whose sessions share an address, as one alone wouldn't get itself blocked.
const blockedKind = "blocked"

// from is where the nth session of a kind comes from.
func (k refusalKind) from(number, n int) string {
	if k.name == blockedKind {
		n = 0
	}
	return fmt.Sprintf("127.0.%d.%d", 10+number, n+1)
}

// hesitant runs a relay to a port, which lets the answers to PASS wait, and returns its own port.
func hesitant(t *testing.T, port int, wait time.Duration) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	t.Cleanup(func() {
		l.Close()
		running.Wait()
	})
	running.Go(func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { hesitate(from, port, wait) })
		}
	})
	return l.Addr().(*net.TCPAddr).Port
}

// hesitate relays one connection.
func hesitate(from net.Conn, port int, wait time.Duration) {
	defer from.Close()
	to, err := net.Dial("tcp", loopback(port))
	if err != nil {
		return
	}
	var back sync.WaitGroup
	defer back.Wait()
	back.Go(func() {
		defer from.Close()
		io.Copy(from, to)
	})
	defer to.Close()
	buffer := make([]byte, 1024)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if strings.HasPrefix(string(buffer[:n]), "PASS ") {
			<-time.After(wait)
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// enumerator is a session that is refused again and again.
type enumerator struct {
	kind  refusalKind
	from  string
	door  chan struct{}
	ready func() // says that the first try is over
	begin <-chan struct{}
	times []float64 // of the further ones, in milliseconds
}

// run tries once with a wrong password, which uses up what there is of patience, and when all have done so tries on.
func (e *enumerator) run(at endpoint, config *tls.Config) error {
	e.door <- struct{}{}
	g, err := visitFrom(e.from, at, config)
	<-e.door
	if err != nil {
		return err
	}
	defer g.Close()
	if _, err := e.try(g, account{e.kind.tries().user, newPassword()}); err != nil {
		return err
	}
	e.ready()
	<-e.begin
	for range triesPerSession {
		// Not all at once, nor in the order of the kinds.
		<-time.After(rand.N(200 * time.Millisecond))
		took, err := e.try(g, e.kind.tries())
		if err != nil {
			return err
		}
		e.times = append(e.times, took.Seconds()*1000)
	}
	return nil
}

// try is refused.
func (e *enumerator) try(g *guest, a account) (time.Duration, error) {
	answer, took, err := g.login(a)
	if err == nil && answer != "-ERR [AUTH] authentication failed\r\n" {
		err = fmt.Errorf("answer %q", answer)
	}
	return took, err
}

// compareTimes compares the times of one kind of refusal with those of all others, in milliseconds.
//
// Two figures must agree that they differ. The rank-sum test's (how often a time of the one is above one of the others) is
// 0.5 for equal distributions, 0 or 1 for those that never meet; with 200 times against 1200 chance makes it 0.02 off. It
// heeds no outliers, but would find a hundredth of a millisecond that no network lets through. So the medians must
// differ by more than noise as well. Whatever a kind does before its refusal (the backend takes 50 ms to think) is far
// beyond both limits if it shows at all.
func compareTimes(t *testing.T, kind string, times, others []float64, least time.Duration) {
	t.Helper()
	const mostRank, mostShift = 0.2, 5.0
	if earliest := slices.Min(times); earliest < least.Seconds()*1000 {
		t.Errorf("%s: refused after %.1f ms, before the failure delay of %v", kind, earliest, least)
	}
	rank, shift := above(times, others), median(times)-median(others)
	t.Logf("%-14s %d times, median %.2f ms, %+.2f ms from the others' %d; above them: %.2f",
		kind, len(times), median(times), shift, len(others), rank)
	if math.Abs(rank-0.5) > mostRank && math.Abs(shift) > mostShift {
		t.Errorf("%s: its times tell it apart", kind)
	}
}

// above is how often a time of a is above one of b: the rank-sum test's U, divided by the number of pairs.
func above(a, b []float64) float64 {
	type mark struct {
		time float64
		ofA  bool
	}
	var all []mark
	for _, time := range a {
		all = append(all, mark{time, true})
	}
	for _, time := range b {
		all = append(all, mark{time, false})
	}
	slices.SortFunc(all, func(x, y mark) int { return cmp.Compare(x.time, y.time) })
	below, pairs := 0, 0
	for _, m := range all {
		if m.ofA {
			pairs += below
		} else {
			below++
		}
	}
	return float64(pairs) / float64(len(a)*len(b))
}

func median(times []float64) float64 {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[len(sorted)/2]
}
