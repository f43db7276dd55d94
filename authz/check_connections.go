package authz

import (
	"context"
	"sync/atomic"
)

// The names of the limits on sessions at once.
const (
	total                  = "connections"
	perListener            = "connections_per_listener"
	beforeLogin            = "connections_before_login"
	beforeLoginPerListener = "connections_before_login_per_listener"
	connectionsPerIP       = "connections_per_ip"
	connectionsPerTenant   = "connections_per_tenant"
	connectionsPerUser     = "connections_per_user"
)

// places counts sessions against one limit of the Guard.
type places struct {
	name  string
	limit func(*Limits) int
	taken atomic.Int64
}

func newTotal(*Guard) Check {
	return &places{name: total, limit: func(l *Limits) int { return l.Connections }}
}

func newBeforeLogin(*Guard) Check {
	return &places{name: beforeLogin, limit: func(l *Limits) int { return l.ConnectionsBeforeLogin }}
}

func (p *places) Name() string { return p.name }

func (p *places) Stage() Stage { return Accept }

func (p *places) Take(_ context.Context, _ *Subject, limits *Limits) (func(), *Denial) {
	if p.taken.Add(1) > int64(p.limit(limits)) {
		p.taken.Add(-1)
		return nil, &Denial{Check: p.name, Kind: Capacity}
	}
	return func() { p.taken.Add(-1) }, nil
}

func (p *places) Look(_ context.Context, _ *Subject, limits *Limits) Finding {
	return foundCount(p.name, int(p.taken.Load()), p.limit(limits))
}
