package authz

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// usual are the defaults of the configuration.
var usual = Blocking{
	FailuresPerUser: 5, FailuresPerIP: 20, Window: 30 * time.Minute,
	First: 5 * time.Minute, Longest: 24 * time.Hour, Remember: 720 * time.Hour,
}

func blocking(b Blocking) (*Guard, *clock) { return timed(Rules{Limits: roomy, Blocking: b}) }

// mustBe fails the test unless an attempt ends as it must, with no new block.
func mustBe(t *testing.T, g *Guard, s *Subject, password string, right bool, denied string) {
	t.Helper()
	got, blocks := attempt(g, s, password, right)
	if got != denied || len(blocks) > 0 {
		t.Errorf("%v as %s: denied by %q, want %q; blocks %+v", s.Addr, s.User, got, denied, blocks)
	}
}

// guess tries new passwords until a block begins, and returns how many it took.
func guess(t *testing.T, g *Guard, s *Subject, prefix string) (tries int, blocks []Block) {
	t.Helper()
	for tries = 1; tries < 1000; tries++ {
		denied, blocks := attempt(g, s, fmt.Sprint(prefix, tries), false)
		if denied != "" {
			t.Fatalf("guess %d is denied by %s", tries, denied)
		}
		if len(blocks) > 0 {
			return tries, blocks
		}
	}
	t.Fatal("no block after a thousand wrong passwords")
	return 0, nil
}

// TestNamesOfNobody: a guess with a name that is no user's counts for the address
// alone, and makes no user's password an old one.
func TestNamesOfNobody(t *testing.T) {
	g, _ := blocking(usual)
	nobody, joe := as("192.0.2.1", ""), as("192.0.2.1", "joe")
	for i := 1; ; i++ {
		print := g.Fingerprint("joe", fmt.Append(nil, "guess", i))
		blocks := told(t.Context(), g, nobody, Failed, print)
		joe.Fingerprint = print
		if pair := g.checks[Login][0].(*block); pair.harmless(t.Context(), joe, &g.Rules().Limits) {
			t.Fatalf("guess %d is old for joe", i)
		}
		if again := told(t.Context(), g, nobody, Failed, print); len(again) > 0 {
			t.Fatalf("guess %d counts twice: %+v", i, again)
		}
		if i < usual.FailuresPerIP && len(blocks) == 0 {
			continue
		}
		if i != usual.FailuresPerIP || len(blocks) != 1 || blocks[0].Check != blockedIP {
			t.Errorf("guess %d: blocks %+v", i, blocks)
		}
		break
	}
	if all := g.Blocks(t.Context()); len(all) != 1 {
		t.Errorf("blocks %+v", all)
	}
}

// TestNamesOfNobodyFillNoTable: whoever is blocked, or where nothing blocks
// addresses, bad names push nothing out that is known of others.
func TestNamesOfNobodyFillNoTable(t *testing.T) {
	for _, most := range []int{0, 20} {
		b := usual
		b.FailuresPerIP, b.Entries = most, 1000
		g, clock := blocking(b)
		phone := as("198.51.100.7", "joe")
		old := g.Fingerprint("joe", []byte("old"))
		told(t.Context(), g, phone, Failed, old)
		for i := range 20_000 {
			told(t.Context(), g, as("192.0.2.1", ""), Failed, uint64(i))
		}
		if n := len(g.store.Marks(t.Context(), tried)); n > 1+most {
			t.Errorf("at most %d failures: %d passwords are kept", most, n)
		}
		if _, ok := g.store.Marked(t.Context(), Key{Topic: tried, Addr: phone.Addr, User: "joe", Print: old}); !ok {
			t.Errorf("at most %d failures: the phone's password is forgotten", most)
		}
		clock.pass(b.First) // the block is over, and guesses count again
		var blocks []Block
		for i := range most {
			blocks = append(blocks, told(t.Context(), g, as("192.0.2.1", ""), Failed, uint64(1<<40+i))...)
		}
		if (len(blocks) == 1) != (most > 0) {
			t.Errorf("at most %d failures: after the block they lead to %+v", most, blocks)
		}
	}
}

// TestWrongPasswordsBlock: so many different ones block a client as the user,
// and so many as any users block it altogether; nobody else.
func TestWrongPasswordsBlock(t *testing.T) {
	for _, most := range []int{1, 2, 5, 1000} {
		t.Run(fmt.Sprintf("%d as a user", most), func(t *testing.T) {
			b := usual
			b.FailuresPerUser, b.FailuresPerIP = most, 0
			g, clock := blocking(b)
			s := as("192.0.2.1", "joe")
			for i := range most - 1 {
				mustBe(t, g, s, fmt.Sprint(i), false, "")
			}
			denied, blocks := attempt(g, s, "last", false)
			want := []Block{{Check: blockedPair, Addr: s.Addr, User: "joe", Until: clock.now().Add(5 * time.Minute), Level: 1}}
			if denied != "" || !slices.Equal(blocks, want) {
				t.Fatalf("denied by %q, blocks %+v, want %+v", denied, blocks, want)
			}
			if list := g.Blocks(t.Context()); !slices.Equal(list, want) {
				t.Errorf("the list of blocks is %+v, want %+v", list, want)
			}
			mustBe(t, g, s, "right", true, blockedPair)
			mustBe(t, g, as("192.0.2.1", "ann"), "right", true, "")
			mustBe(t, g, as("192.0.2.2", "joe"), "right", true, "")
			clock.pass(5*time.Minute - 1)
			mustBe(t, g, s, "right", true, blockedPair)
			clock.pass(1)
			mustBe(t, g, s, "right", true, "")
			if list := g.Blocks(t.Context()); list != nil {
				t.Errorf("blocks that are over: %+v", list)
			}
		})
	}
	for name, try := range map[string]func(i int) (user, password string){
		"one password for many users":  func(i int) (string, string) { return fmt.Sprint("user", i), "Summer2024" },
		"one for each of many users":   func(i int) (string, string) { return fmt.Sprint("user", i), fmt.Sprint(i) },
		"a few for each of some users": func(i int) (string, string) { return fmt.Sprint("user", i/4), fmt.Sprint(i) },
		"names that nobody has":        func(i int) (string, string) { return fmt.Sprint("\x00 no@body@", i), "x" },
	} {
		t.Run(name, func(t *testing.T) {
			g, clock := blocking(usual)
			tries := 0
			for {
				user, password := try(tries)
				tries++
				_, blocks := attempt(g, as("192.0.2.1", user), password, false)
				if len(blocks) == 0 {
					continue
				}
				want := []Block{{Check: blockedIP, Addr: addr("192.0.2.1"), Until: clock.now().Add(5 * time.Minute), Level: 1}}
				if tries != 20 || !slices.Equal(blocks, want) {
					t.Errorf("after %d tries: %+v, want %+v after 20", tries, blocks, want)
				}
				break
			}
			mustBe(t, g, as("192.0.2.1", "ann"), "right", true, blockedIP)
			mustBe(t, g, as("192.0.2.2", "ann"), "right", true, "")
			mustBe(t, g, as("192.0.2.2", "user0"), "right", true, "")
			clock.pass(5 * time.Minute)
			mustBe(t, g, as("192.0.2.1", "ann"), "right", true, "")
		})
	}
}

// TestNever: a number of 0 blocks nobody, and the other tier still blocks.
func TestNever(t *testing.T) {
	b := usual
	b.FailuresPerUser = 0
	g, _ := blocking(b)
	if tries, blocks := guess(t, g, as("192.0.2.1", "joe"), ""); tries != 20 || blocks[0].Check != blockedIP {
		t.Errorf("%d tries, %+v", tries, blocks)
	}
	b.FailuresPerIP = 0
	g, _ = blocking(b)
	for i := range 1000 {
		mustBe(t, g, as("192.0.2.1", "joe"), fmt.Sprint(i), false, "")
	}
}

// TestOutagesNeverCount: neither those of a backend nor those of popgate.
func TestOutagesNeverCount(t *testing.T) {
	g, _ := blocking(Blocking{FailuresPerUser: 1, FailuresPerIP: 1, Window: time.Hour, First: time.Hour, Longest: time.Hour})
	s := as("192.0.2.1", "joe")
	for i := range 1000 {
		if blocks := told(t.Context(), g, s, Neither, uint64(i)); blocks != nil {
			t.Fatalf("blocks %+v", blocks)
		}
	}
	mustBe(t, g, s, "right", true, "")
}

// TestFailuresFade: they are forgotten evenly over the window.
func TestFailuresFade(t *testing.T) {
	for _, test := range []struct {
		name string
		pass time.Duration
		want int // further guesses until the block
	}{
		{"at once", 0, 1},
		{"after nearly a fifth of the window", 6*time.Minute - time.Second, 1},
		{"after a fifth", 6*time.Minute + time.Second, 2},
		{"after three fifths", 18*time.Minute + time.Second, 4},
		{"after the window", 30 * time.Minute, 5},
		{"after a month", 720 * time.Hour, 5},
	} {
		t.Run(test.name, func(t *testing.T) {
			g, clock := blocking(usual)
			s := as("192.0.2.1", "joe")
			for i := range 4 {
				mustBe(t, g, s, fmt.Sprint("before", i), false, "")
			}
			clock.pass(test.pass)
			if tries, _ := guess(t, g, s, "after"); tries != test.want {
				t.Errorf("%d guesses until the block, want %d", tries, test.want)
			}
		})
	}
}

// TestPenaltiesGrow: each block is twice as long as the last one, up to the
// longest; after as long a time without one it begins anew.
func TestPenaltiesGrow(t *testing.T) {
	for _, tier := range []string{blockedPair, blockedIP} {
		t.Run(tier, func(t *testing.T) {
			b := usual
			if tier == blockedIP {
				b.FailuresPerUser = 0
			}
			g, clock := blocking(b)
			s := as("192.0.2.1", "joe")
			next := func(level int, length time.Duration) {
				t.Helper()
				_, blocks := guess(t, g, s, fmt.Sprint(clock.passed.Load(), " "))
				if got := blocks[0].Until.Sub(clock.now()); got != length || blocks[0].Level != level || blocks[0].Check != tier {
					t.Errorf("%+v for %v, want %s for %v, block %d in a row", blocks[0], got, tier, length, level)
				}
				clock.pass(length - 1)
				mustBe(t, g, s, "right", true, tier)
				clock.pass(1)
			}
			lengths := []time.Duration{5, 10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440, 1440}
			for i, minutes := range lengths {
				next(i+1, minutes*time.Minute)
			}
			clock.pass(24*time.Hour - time.Second)
			next(len(lengths)+1, 24*time.Hour)
			clock.pass(24 * time.Hour)
			next(1, 5*time.Minute)
			next(2, 10*time.Minute)
		})
	}
}

// TestPenaltiesAreWhole: a first block longer than the longest is as long as
// that, and no number of blocks overflows.
func TestPenaltiesAreWhole(t *testing.T) {
	g, clock := blocking(Blocking{FailuresPerUser: 1, Window: time.Hour, First: 48 * time.Hour, Longest: time.Hour})
	s := as("192.0.2.1", "joe")
	for i := range 500 {
		_, blocks := guess(t, g, s, fmt.Sprint(i, " "))
		if length := blocks[0].Until.Sub(clock.now()); length != time.Hour {
			t.Fatalf("block %d is %v long", i, length)
		}
		clock.pass(time.Hour)
	}
}

// TestGuessesOnTheirWay: those that were let through before the block began
// don't make it a longer one.
func TestGuessesOnTheirWay(t *testing.T) {
	g, clock := blocking(usual)
	var begun []Block
	for i := range 100 {
		s := as("192.0.2.1", fmt.Sprint(i%10))
		begun = append(begun, told(t.Context(), g, s, Failed, g.Fingerprint(s.User, []byte(fmt.Sprint(i))))...)
		clock.pass(time.Second)
	}
	if len(begun) != 11 { // 10 users and the address
		t.Errorf("%d blocks, want 11: %+v", len(begun), begun)
	}
	for _, b := range g.Blocks(t.Context()) {
		if b.Level != 1 || b.Until.Sub(clock.now()) > 5*time.Minute {
			t.Errorf("%+v", b)
		}
	}
}
