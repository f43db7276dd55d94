package authz

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"time"
)

// Remark is what is remembered of an address that the next process must know, too:
// that it is blocked, or was a short while ago, or that it is welcome as a user.
type Remark struct {
	// Addr is the first address of what counts as one client.
	Addr netip.Addr `json:"addr"`
	// User is a canonical name, in whatever octets; empty: as anybody.
	User    []byte `json:"user,omitempty"`
	Welcome bool   `json:"welcome,omitempty"` // else it is a block

	// Ends and Until are how far the ends of a mark are away: the clocks of two
	// processes have no beginning in common.
	Ends  time.Duration `json:"ends"`
	Until time.Duration `json:"until,omitempty"`
	Level int           `json:"level,omitempty"`
}

// Remarks are all that there are, those that last longest first: of who is welcome,
// who has logged in last. A store that others share has none: they know already.
func (g *Guard) Remarks(ctx context.Context) (list []Remark) {
	if _, own := g.store.(*Memory); !own {
		return nil
	}
	now := g.now()
	for _, topic := range listed {
		for _, m := range g.store.Marks(ctx, topic) {
			list = append(list, Remark{
				Addr: m.Key.Addr, User: []byte(m.Key.User), Welcome: topic == welcome,
				Ends: m.Mark.Ends.Sub(now), Until: max(0, m.Mark.Until.Sub(now)), Level: m.Mark.Level,
			})
		}
	}
	slices.SortFunc(list, func(a, b Remark) int { return cmp.Compare(b.Ends, a.Ends) })
	return list
}

// Learn takes over the remarks of another process, in their order: where there isn't
// room for all, the last ones go. What that one can't have meant is left out.
func (g *Guard) Learn(ctx context.Context, list []Remark) {
	now := g.now()
	for _, r := range slices.Backward(list) {
		key := Key{Topic: blocked, Addr: r.Addr, User: string(r.User)}
		mark := Mark{Ends: now.Add(r.Ends)}
		if r.Welcome {
			key.Topic = welcome
		} else {
			mark.Until, mark.Level = now.Add(r.Until), r.Level
		}
		if r.Addr.IsValid() && r.Ends > 0 && r.Level >= 0 && (!r.Welcome || len(r.User) > 0) {
			g.store.Mark(ctx, key, mark)
		}
	}
}
