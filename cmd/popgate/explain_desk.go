package main

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"popgate/authz"
	"popgate/internal/admin"
	"popgate/internal/route"
)

// loginDesk tells operators of logins, and takes their wishes. There is a
// configuration before anybody can ask.
type loginDesk struct {
	guard   *authz.Guard
	current *atomic.Pointer[explainer]
}

// Explain tells what would become of a login.
func (d *loginDesk) Explain(ctx context.Context, q admin.Question) (admin.Explanation, error) {
	return d.current.Load().explain(ctx, q)
}

// Blocks returns the blocks in force by address and user.
func (d *loginDesk) Blocks(ctx context.Context) (list []admin.Block) {
	for _, b := range d.blocks(ctx) {
		shown := admin.Block{Address: b.Addr.String(), User: b.User, Check: b.Check, Until: b.Until.UTC().Truncate(time.Second), Level: b.Level}
		if n := d.network(b.Addr); !n.IsSingleIP() {
			shown.Address = n.String()
		}
		list = append(list, shown)
	}
	return list
}

func (d *loginDesk) blocks(ctx context.Context) []authz.Block {
	list := d.guard.Blocks(ctx)
	slices.SortFunc(list, func(a, b authz.Block) int {
		return cmp.Or(a.Addr.Compare(b.Addr), strings.Compare(a.User, b.User))
	})
	return list
}

// Unblock lifts blocks.
func (d *loginDesk) Unblock(ctx context.Context, which admin.Blocked) (lifted int) {
	user := route.Fold(which.User)
	for _, b := range d.guard.Blocks(ctx) {
		there := !which.Network.IsValid() || which.Network.Overlaps(d.network(b.Addr))
		if there && (user == "" || user == b.User) && d.guard.Unblock(ctx, b.Addr, b.User) {
			lifted++
		}
	}
	if which.Network.IsValid() {
		// Beside blocks in force: what may lead to the next one, and how long
		// that would be.
		d.guard.Unblock(ctx, d.network(which.Network.Addr()).Addr(), user)
	}
	return lifted
}

// network is what counts as one client together with addr.
func (d *loginDesk) network(addr netip.Addr) netip.Prefix {
	limits := d.guard.Rules().Limits
	bits := cmp.Or(limits.IPv4Prefix, 32)
	if addr.Is6() {
		bits = cmp.Or(limits.IPv6Prefix, 64)
	}
	return netip.PrefixFrom(addr, bits).Masked()
}
