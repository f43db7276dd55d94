package authz

import "context"

// counted is a check that a glance can be taken at.
type counted interface {
	Check
	// glanced tells whether it is asked at Login already.
	glanced() bool
	// full tells whether it would refuse.
	full(s *Subject, limits *Limits) bool
}

// glance asks a check of a later stage at Login already, and takes nothing. Who
// would be refused then is refused now, like a wrong password and without a
// backend; but only sessions that have come to that stage hold places, so that
// guesses can't take the owner's.
type glance struct{ counted }

func (g glance) Stage() Stage { return Login }

func (g glance) Take(_ context.Context, s *Subject, limits *Limits) (func(), *Denial) {
	if g.full(s, limits) {
		return nil, &Denial{Check: g.Name(), Kind: Refused}
	}
	return nil, nil
}

// glanceAt is the glance at a check, if it is one of those.
func glanceAt(check Check) (glance, bool) {
	c, ok := check.(counted)
	return glance{c}, ok && c.glanced()
}

// Tallies of the stage Accepted are asked at Login already.
func (c *tally[K]) glanced() bool { return c.stage == Accepted }

func (c *tally[K]) full(s *Subject, limits *Limits) bool {
	key, most := c.key(s, limits)
	if most < 0 {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open[key] >= most
}
