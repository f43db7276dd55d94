package authz

import (
	"context"
	"maps"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// roomy are limits that no test reaches by accident.
var roomy = Limits{Connections: 1000, ConnectionsPerIP: 1000, ConnectionsBeforeLogin: 1000}

// guardWith is a Guard of these limits and no other rules.
func guardWith(l Limits) *Guard { return New(Rules{Limits: l}, Options{}) }

// clock is virtual time: it passes when a test says so.
type clock struct {
	begin  time.Time
	passed atomic.Int64 // ns
}

func newClock() *clock { return &clock{begin: time.Now()} }

func (c *clock) now() time.Time { return c.begin.Add(time.Duration(c.passed.Load())) }

func (c *clock) pass(d time.Duration) { c.passed.Add(int64(d)) }

// timed is a Guard in virtual time.
func timed(rules Rules) (*Guard, *clock) {
	c := newClock()
	return New(rules, Options{Now: c.now}), c
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// number is the i-th of 2^24 addresses.
func number(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
}

func ptr[T any](v T) *T { return &v }

// perMinute is a rate of n a minute.
func perMinute(n int) Rate { return Rate{Count: n, Per: time.Minute} }

// from is a subject with that address.
func from(text string) *Subject { return &Subject{Listener: "pop3s", Addr: addr(text)} }

// as is a subject with that address who wants to be user.
func as(text, user string) *Subject {
	s := from(text)
	s.User = user
	return s
}

// impatient is the context of who doesn't wait for others: a test that would
// wait for ever fails instead.
var impatient = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// admit asks at a stage and fails the test on a denial.
func admit(t testing.TB, g *Guard, stage Stage, s *Subject) *Lease {
	t.Helper()
	lease, denial := g.Ask(impatient, stage, s)
	if denial != nil {
		t.Fatalf("stage %d: %v, want a lease", stage, denial)
	}
	if lease == nil {
		t.Fatalf("stage %d: neither a lease nor a denial", stage)
	}
	return lease
}

// deny asks at a stage and fails the test on anything but a denial by check.
func deny(t testing.TB, g *Guard, stage Stage, s *Subject, check string, kind Kind) {
	t.Helper()
	lease, denial := g.Ask(impatient, stage, s)
	switch {
	case denial == nil:
		lease.Release()
		t.Fatalf("stage %d: a lease, want a denial by %s", stage, check)
	case lease != nil:
		t.Errorf("stage %d: a lease beside a denial", stage)
	}
	if want := (Denial{Check: check, Kind: kind}); *denial != want {
		t.Errorf("stage %d: %+v, want %+v", stage, *denial, want)
	}
}

// attempt is a login as the proxy does it: it asks, learns from the backend
// whether the password is right, asks again and reports. It returns the check
// that denied it, "" for none, and the blocks that have begun.
func attempt(g *Guard, s *Subject, password string, right bool) (denied string, blocks []Block) {
	ctx := impatient
	print := g.Fingerprint(s.User, []byte(password))
	lease, denial := g.Ask(ctx, Login, s)
	if denial != nil {
		return denial.Check, told(ctx, g, s, Neither, print)
	}
	defer lease.Release()
	if !right {
		return "", told(ctx, g, s, Failed, print)
	}
	accepted, denial := g.Ask(ctx, Accepted, s)
	if denial != nil {
		return denial.Check, told(ctx, g, s, Neither, print)
	}
	defer accepted.Release()
	blocks = told(ctx, g, s, Succeeded, print)
	accepted.Settle()
	return "", blocks
}

// told reports what became of a login of s with another password than its own.
func told(ctx context.Context, g *Guard, s *Subject, o Outcome, print uint64) []Block {
	with := *s
	with.Fingerprint = print
	return g.Report(ctx, &with, o)
}

// counts is what a Guard has counted.
type counts struct {
	connections, beforeLogin int64
	perAddress               map[netip.Addr]int
	named                    map[string]map[string]int // by check
	underWay                 map[string]int            // tries, by check
}

// countsOf looks into the checks of g.
func countsOf(t testing.TB, g *Guard) counts {
	t.Helper()
	c := counts{named: make(map[string]map[string]int), underWay: make(map[string]int)}
	for _, checks := range g.checks {
		for _, check := range checks {
			switch check := check.(type) {
			case *places:
				switch check.Name() {
				case total:
					c.connections = check.taken.Load()
				case beforeLogin:
					c.beforeLogin = check.taken.Load()
				default:
					t.Fatalf("places are counted as %q, which no test knows", check.Name())
				}
			case *tally[netip.Addr]:
				c.perAddress = openOf(check)
			case *tally[string]:
				if open := openOf(check); len(open) > 0 {
					c.named[check.Name()] = open
				}
			case *block:
				check.turns.mu.Lock()
				for _, turn := range check.turns.underWay {
					c.underWay[check.Name()] += turn.n
				}
				check.turns.mu.Unlock()
			case *pace, *delay, *step, glance:
				// They hold nothing for a session.
			default:
				t.Fatalf("%T: which counts does it have?", check)
			}
		}
	}
	return c
}

func openOf[K comparable](c *tally[K]) map[K]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.open)
}

// insistEmpty fails the test unless everything has been given back.
func insistEmpty(t testing.TB, g *Guard) {
	t.Helper()
	if c := countsOf(t, g); c.connections != 0 || c.beforeLogin != 0 || len(c.perAddress)+len(c.named)+len(c.underWay) != 0 {
		t.Errorf("left over at the end: %+v", c)
	}
}
