package authz

import (
	"context"
	"sync/atomic"
)

const (
	total       = "connections"
	beforeLogin = "connections_before_login"
)

// places counts sessions against one limit of the Guard.
type places struct {
	name  string
	limit func(*Limits) int
	taken atomic.Int64
}

func newTotal() Check {
	return &places{name: total, limit: func(l *Limits) int { return l.Connections }}
}

func newBeforeLogin() Check {
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
