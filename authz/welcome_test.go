package authz

import (
	"fmt"
	"testing"
	"time"
)

// TestSuccessClearsThePairOnly: wrong passwords before the right one were typing
// errors, as that user; what the address did as others stays.
func TestSuccessClearsThePairOnly(t *testing.T) {
	g, clock := blocking(usual)
	joe, ann := as("192.0.2.1", "joe"), as("192.0.2.1", "ann")
	tries := 0
	wrong := func(s *Subject, n int) {
		for range n {
			tries++
			mustBe(t, g, s, fmt.Sprint(tries), false, "")
		}
	}
	wrong(ann, 4)
	for range 3 {
		wrong(joe, 4)
		mustBe(t, g, joe, "right", true, "")
	}
	wrong(joe, 3) // the address's 19th
	if _, blocks := attempt(g, joe, "20th", false); len(blocks) != 1 || blocks[0].Check != blockedIP {
		t.Fatalf("%+v, want the address blocked, though joe has logged in", blocks)
	}
	clock.pass(5 * time.Minute) // the address has 3.3 tries again, ann 1.8
	if tries, blocks := guess(t, g, ann, "x"); tries != 1 || blocks[0].Check != blockedPair {
		t.Errorf("after %d tries %+v, want ann's earlier ones to count still", tries, blocks)
	}
}

// TestSuccessForgetsEarlierBlocks: the next block of the pair is a first one.
func TestSuccessForgetsEarlierBlocks(t *testing.T) {
	b := usual
	b.FailuresPerIP = 0
	g, clock := blocking(b)
	s := as("192.0.2.1", "joe")
	for i := range 3 {
		_, blocks := guess(t, g, s, fmt.Sprint(i, " "))
		clock.pass(blocks[0].Until.Sub(clock.now()))
	}
	mustBe(t, g, s, "right", true, "")
	if tries, blocks := guess(t, g, s, "again"); tries != 5 || blocks[0].Level != 1 {
		t.Errorf("after %d tries %+v", tries, blocks)
	}
}

// TestSuccessEndsItsBlock: the owner's login that was on its way while guesses
// blocked the pair lifts the block.
func TestSuccessEndsItsBlock(t *testing.T) {
	g, _ := blocking(usual)
	s := as("192.0.2.1", "joe")
	lease := admit(t, g, Login, s)
	defer lease.Release()
	for i := range 5 {
		told(t.Context(), g, s, Failed, uint64(i))
	}
	deny(t, g, Login, s, blockedPair, Refused)
	told(t.Context(), g, s, Succeeded, 0)
	admit(t, g, Login, s).Release()
}

// TestWelcome: who has logged in from an address gets in from there as that
// user while it is blocked, so long as Remember says.
func TestWelcome(t *testing.T) {
	b := usual
	b.First, b.Longest, b.Remember = 100*time.Hour, 100*time.Hour, 24*time.Hour
	g, clock := blocking(b)
	joe, ann := as("192.0.2.1", "joe"), as("192.0.2.1", "ann")
	mustBe(t, g, joe, "right", true, "")
	b.FailuresPerUser = 0
	g.SetRules(Rules{Limits: roomy, Blocking: b})
	guess(t, g, as("192.0.2.1", "victim"), "x")
	b.FailuresPerUser = 5
	g.SetRules(Rules{Limits: roomy, Blocking: b})

	mustBe(t, g, ann, "right", true, blockedIP)
	clock.pass(24*time.Hour - time.Second)
	mustBe(t, g, joe, "right", true, "") // and is remembered anew
	clock.pass(24*time.Hour - time.Second)
	mustBe(t, g, joe, "right", true, "")
	mustBe(t, g, ann, "right", true, blockedIP)
	clock.pass(24 * time.Hour)
	mustBe(t, g, joe, "right", true, blockedIP)
	mustBe(t, g, as("192.0.2.2", "joe"), "right", true, "")
}

// TestWelcomeIsNoKeyToItsOwnBlock: a welcome client that guesses passwords of
// its own user is blocked as that user.
func TestWelcomeIsNoKeyToItsOwnBlock(t *testing.T) {
	g, clock := blocking(usual)
	joe := as("192.0.2.1", "joe")
	mustBe(t, g, joe, "right", true, "")
	if tries, blocks := guess(t, g, joe, "x"); tries != 5 || blocks[0].Check != blockedPair {
		t.Errorf("after %d tries %+v", tries, blocks)
	}
	mustBe(t, g, joe, "right", true, blockedPair)
	clock.pass(5 * time.Minute)
	mustBe(t, g, joe, "right", true, "")
}

// TestNobodyIsWelcomeFromElsewhere: a success from one address is none from
// another, and without Remember there is no welcome.
func TestNobodyIsWelcomeFromElsewhere(t *testing.T) {
	b := usual
	b.FailuresPerUser = 0
	g, _ := blocking(b)
	mustBe(t, g, as("192.0.2.9", "joe"), "right", true, "")
	guess(t, g, as("192.0.2.1", "victim"), "x")
	mustBe(t, g, as("192.0.2.1", "joe"), "right", true, blockedIP)

	b.Remember = 0
	g, _ = blocking(b)
	mustBe(t, g, as("192.0.2.1", "joe"), "right", true, "")
	guess(t, g, as("192.0.2.1", "victim"), "x")
	mustBe(t, g, as("192.0.2.1", "joe"), "right", true, blockedIP)
}

// TestOfficeWithAnInfectedMachine: for a day, behind one address, a machine
// guesses a password a second. What everybody there experiences:
//
//   - anna, who has logged in from there in the last 30 days, never notices;
//   - bert, who never has, is refused until the machine is gone: a block's end
//     lasts no longer than its next few guesses;
//   - victor, at whose mailbox some of the guesses go, is refused there like
//     bert, though he was welcome;
//   - from elsewhere all of them get in all the time;
//   - of 86,400 guesses the backend sees less than two hundred.
func TestOfficeWithAnInfectedMachine(t *testing.T) {
	limits := roomy
	limits.LoginRatePerIP, limits.LoginRate, limits.LoginRatePerUser = perMinute(120), perMinute(30), perMinute(60)
	g, clock := timed(Rules{Limits: limits, Blocking: usual})
	const office, home = "192.0.2.1", "2001:db8::1"
	mustBe(t, g, as(office, "anna"), "right", true, "")
	mustBe(t, g, as(office, "victor"), "right", true, "")
	clock.pass(time.Hour)

	seen := 0 // by the backend
	bert, victor := map[string]int{}, map[string]int{}
	for second := range 86_400 {
		user := fmt.Sprint("user", second%50)
		if second%10 == 0 {
			user = "victor"
		}
		if denied, _ := attempt(g, as(office, user), fmt.Sprint(second), false); denied == "" {
			seen++
		}
		if second%300 == 299 {
			mustBe(t, g, as(office, "anna"), "right", true, "")
			mustBe(t, g, as(home, "victor"), "right", true, "")
			denied, _ := attempt(g, as(office, "victor"), "right", true)
			victor[denied]++
			// Who gets in once is welcome from then on: each time it is another bert.
			denied, _ = attempt(g, as(office, fmt.Sprint("bert", second)), "right", true)
			bert[denied]++
			mustBe(t, g, as(home, fmt.Sprint("bert", second)), "right", true, "")
		}
		clock.pass(time.Second)
	}
	if seen > 200 {
		t.Errorf("the backend saw %d guesses", seen)
	}
	if bert[blockedIP] < 280 || bert[blockedIP]+bert[""] != 288 {
		t.Errorf("bert: %v", bert)
	}
	if victor[blockedPair] < 280 || victor[blockedPair]+victor[""] != 288 {
		t.Errorf("victor: %v", victor)
	}

	// The machine is gone: the last block ends, and its failures have faded.
	clock.pass(usual.Longest)
	mustBe(t, g, as(office, "bert"), "right", true, "")
	mustBe(t, g, as(office, "victor"), "right", true, "")
}
