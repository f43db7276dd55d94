package authz

import (
	"context"
	"fmt"
	"time"
)

const loginDelay = "login_delay"

// delay lets a user of some tenants log in once in a while only. It is asked
// when the backend has taken the password: who doesn't know that learns nothing
// of when the owner has logged in.
type delay struct{ g *Guard }

func newLoginDelay(g *Guard) Check { return &delay{g} }

func (d *delay) Name() string { return loginDelay }

func (d *delay) Stage() Stage { return Accepted }

func (d *delay) Take(ctx context.Context, s *Subject, _ *Limits) (func(), *Denial) {
	wait := d.g.RulesOf(s).Tenants[s.Tenant].LoginDelay
	if wait == 0 {
		return nil, nil
	}
	ends := d.g.now().Add(wait)
	key := Key{Topic: loggedIn, User: s.User}
	if !d.g.store.Add(ctx, key, Mark{Ends: ends, Until: ends}) {
		return nil, &Denial{Check: loginDelay, Kind: TooSoon}
	}
	// Given back unless the user really gets in: see Lease.Settle.
	return func() {
		if mark, ok := d.g.store.Marked(context.Background(), key); ok && mark.Ends.Equal(ends) {
			d.g.store.Delete(context.Background(), key)
		}
	}, nil
}

func (d *delay) Look(ctx context.Context, s *Subject, _ *Limits) Finding {
	wait := d.g.RulesOf(s).Tenants[s.Tenant].LoginDelay
	if wait == 0 {
		return Finding{Check: loginDelay, Verdict: Unlimited}
	}
	mark, ok := d.g.store.Marked(ctx, Key{Topic: loggedIn, User: s.User})
	if !ok {
		return Finding{Check: loginDelay, Verdict: Passes, Detail: fmt.Sprintf("one login in %v", wait)}
	}
	return Finding{Check: loginDelay, Verdict: Denies, Detail: "until " + mark.Until.UTC().Format(time.RFC3339)}
}
