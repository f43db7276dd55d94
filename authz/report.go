package authz

import (
	"context"
	"net/netip"
	"time"
)

// Outcome is what became of a login that the Guard has let through.
type Outcome int

const (
	// Neither: popgate or the backend had trouble of their own, or the session
	// went away. It says nothing of the password.
	Neither Outcome = iota
	// Succeeded: the user is in.
	Succeeded
	// Failed: the password is wrong, or there is no such user.
	Failed
)

// Block is a block that a wrong password has led to.
type Block struct {
	// Check is the name of the check that refuses from now on.
	Check string
	Addr  netip.Addr // the first address of what is blocked
	User  string     // as whom; "": as anybody
	Until time.Time
	Level int // how many blocks in a row it is
}

// Report tells the Guard what became of a login. It returns the blocks that
// begin with that.
func (g *Guard) Report(ctx context.Context, s *Subject, o Outcome) []Block {
	rules := g.RulesOf(s)
	limits := rules.limits(s)
	switch o {
	case Succeeded:
		g.succeeded(ctx, s, limits, rules.Blocking)
	case Failed:
		if !limits.exempts(s) {
			return g.failed(ctx, s, limits, rules.Blocking)
		}
	}
	return nil
}

// succeeded makes a client welcome as a user. Wrong passwords that it has tried
// as that user were typing errors; those as others weren't.
func (g *Guard) succeeded(ctx context.Context, s *Subject, l *Limits, b Blocking) {
	if key := ofUser(s, l); !key.Rate.Off() {
		g.store.Take(ctx, key, key.Rate, 1)
	}
	if l.exempts(s) {
		return
	}
	if b.Remember > 0 {
		g.store.Mark(ctx, ofPair(welcome, s, l), Mark{Ends: g.now().Add(b.Remember)})
	}
	g.store.Delete(ctx, ofPair(failuresOfPair, s, l))
	g.store.Delete(ctx, ofPair(blocked, s, l))
}

// failed counts a wrong password, unless the same client has tried it for the
// same user before: an old phone with an old password is no attack, however
// often it comes. With a name that is no user's it counts for the address alone:
// such a try has met no block, and must leave nothing behind by which one of a
// real user's would be taken for an old one; nor anything at all once it can't
// lead to a block, or one address could fill the table of what others have tried.
func (g *Guard) failed(ctx context.Context, s *Subject, l *Limits, b Blocking) (blocks []Block) {
	if s.User == "" {
		last, _ := g.store.Marked(ctx, ofIP(blocked, s, l))
		if b.FailuresPerIP == 0 || g.now().Before(last.Until) {
			return nil
		}
	}
	key := ofPassword(s, l)
	// Longer than the longest block, and longer than phones pause: a password that
	// had been forgotten meanwhile would count as another one.
	mark := Mark{Ends: g.now().Add(b.Window + b.Longest)}
	if !g.store.Add(ctx, key, mark) {
		g.store.Mark(ctx, key, mark)
		return nil
	}
	for _, tier := range []struct {
		check    string
		failures Key
		blocked  Key
		most     int
	}{
		{blockedPair, ofPair(failuresOfPair, s, l), ofPair(blocked, s, l), b.FailuresPerUser},
		{blockedIP, ofIP(failuresOfIP, s, l), ofIP(blocked, s, l), b.FailuresPerIP},
	} {
		rate := Rate{Count: tier.most, Per: b.Window}
		if rate.Off() || tier.check == blockedPair && s.User == "" {
			continue
		}
		if left, ok := g.store.Take(ctx, tier.failures, rate, 1); ok && left >= 1 {
			continue
		}
		if mark, begins := g.block(ctx, tier.blocked, b); begins {
			blocks = append(blocks, Block{Check: tier.check, Addr: tier.blocked.Addr, User: tier.blocked.User, Until: mark.Until, Level: mark.Level})
		}
	}
	return blocks
}

// block blocks a key, longer than the last time if that wasn't long ago. Sessions
// that were let through before a block was, or are welcome in spite of it, don't
// make it another one.
func (g *Guard) block(ctx context.Context, key Key, b Blocking) (mark Mark, begins bool) {
	now := g.now()
	last, _ := g.store.Marked(ctx, key)
	if now.Before(last.Until) {
		return last, false
	}
	length := b.First
	for range last.Level {
		if length >= b.Longest {
			break
		}
		length *= 2
	}
	length = min(length, b.Longest)
	until := now.Add(length)
	mark = Mark{Until: until, Ends: until.Add(b.Longest), Level: last.Level + 1}
	g.store.Mark(ctx, key, mark)
	return mark, true
}

// Blocks returns the blocks that are in force.
func (g *Guard) Blocks(ctx context.Context) (list []Block) {
	now := g.now()
	for _, m := range g.store.Marks(ctx, blocked) {
		if !now.Before(m.Mark.Until) {
			continue
		}
		b := Block{Check: blockedPair, Addr: m.Key.Addr, User: m.Key.User, Until: m.Mark.Until, Level: m.Mark.Level}
		if b.User == "" {
			b.Check = blockedIP
		}
		list = append(list, b)
	}
	return list
}

// Unblock lifts a block, and what has led to it; user is "" for one as anybody.
// It returns whether there was one in force.
func (g *Guard) Unblock(ctx context.Context, addr netip.Addr, user string) bool {
	failures := Key{Topic: failuresOfIP, Addr: addr}
	if user != "" {
		failures = Key{Topic: failuresOfPair, Addr: addr, User: user}
	}
	key := Key{Topic: blocked, Addr: addr, User: user}
	mark, _ := g.store.Marked(ctx, key)
	g.store.Delete(ctx, failures)
	g.store.Delete(ctx, key)
	return g.now().Before(mark.Until)
}
