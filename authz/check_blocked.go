package authz

import (
	"context"
	"fmt"
	"time"
)

// The names of the blocks.
const (
	blockedIP   = "blocked_ip"
	blockedPair = "blocked_user"
)

// block refuses clients that have tried too many passwords, and lets no more
// tries be under way than may fail before that.
type block struct {
	name string
	g    *Guard
	key  func(topic Topic, s *Subject, l *Limits) Key
	// failures is the topic of the bucket that leads to the block, most how many
	// it holds.
	failures Topic
	most     func(Blocking) int
	// pardon: who has logged in before is let through.
	pardon bool
	turns  turns
}

// newBlockedIP refuses a client as any user but those as whom it has logged in:
// an office must not be locked out by one infected machine in it.
func newBlockedIP(g *Guard) Check {
	return &block{name: blockedIP, g: g, key: ofIP, pardon: true, failures: failuresOfIP,
		most: func(b Blocking) int { return b.FailuresPerIP }}
}

// newBlockedPair refuses a client as one user.
func newBlockedPair(g *Guard) Check {
	return &block{name: blockedPair, g: g, key: ofPair, failures: failuresOfPair,
		most: func(b Blocking) int { return b.FailuresPerUser }}
}

func (b *block) Name() string { return b.name }

func (b *block) Stage() Stage { return Login }

// triesUnderWay is what a try is denied by that has waited longestWait for others:
// that is no word about it, as nothing is blocked.
const (
	triesUnderWay = "tries_under_way"
	longestWait   = 30 * time.Second
)

// Take waits while tries are under way that may all fail: those that come at the
// same moment must not get further than those that come one after the other. As
// soon as the backend has answered one of them, it is the next one's turn, or the
// block's.
func (b *block) Take(ctx context.Context, s *Subject, limits *Limits) (func(), *Denial) {
	failures := b.key(b.failures, s, limits)
	for {
		since := b.turns.now()
		f := b.Look(ctx, s, limits)
		if f.Verdict == Denies {
			return nil, &Denial{Check: b.name, Kind: Refused}
		}
		blocking := b.g.RulesOf(s).Blocking
		rate := Rate{Count: b.most(blocking), Per: blocking.Window}
		if f.Verdict == Unlimited || f.known || rate.Off() {
			return nil, nil
		}
		if b.harmless(ctx, s, limits) {
			return nil, nil
		}
		// One may always be under way: else nobody could end the wait.
		most := max(1, int(b.g.store.Left(ctx, failures, rate)))
		giveBack, changed := b.turns.take(failures, most, since)
		switch {
		case giveBack != nil:
			return giveBack, nil
		case changed == nil:
			continue
		}
		if s.late == nil {
			s.late = time.After(longestWait)
		}
		select {
		case <-changed:
		case <-s.late:
			return nil, &Denial{Check: triesUnderWay, Kind: Capacity}
		case <-ctx.Done():
			return nil, &Denial{Check: b.name, Kind: Capacity}
		}
	}
}

// harmless tells whether a try can't lead to a block, as its password was tried
// and is wrong. It needs no turn: a wait would tell that it reaches a backend.
func (b *block) harmless(ctx context.Context, s *Subject, limits *Limits) bool {
	if s.Fingerprint == 0 {
		return false // not known
	}
	_, known := b.g.store.Marked(ctx, ofPassword(s, limits))
	return known
}

func (b *block) Look(ctx context.Context, s *Subject, limits *Limits) Finding {
	f := Finding{Check: b.name, Verdict: Passes}
	if limits.exempts(s) {
		f.Verdict = Unlimited
		return f
	}
	if b.pardon {
		_, f.known = b.g.store.Marked(ctx, ofPair(welcome, s, limits))
	}
	mark, ok := b.g.store.Marked(ctx, b.key(blocked, s, limits))
	if !ok || !b.g.now().Before(mark.Until) {
		return f
	}
	f.Detail = fmt.Sprintf("until %s, block %d in a row", mark.Until.UTC().Format(time.RFC3339), mark.Level)
	if f.known {
		f.Detail += ", but it has logged in as this user before"
		return f
	}
	f.Verdict = Denies
	return f
}
