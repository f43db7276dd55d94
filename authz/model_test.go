package authz

import (
	"context"
	"maps"
	"net/netip"
	"testing"
)

// modelAddrs are few, so that sessions meet; two of them are one client.
var modelAddrs = []netip.Addr{
	addr("192.0.2.1"), addr("::ffff:192.0.2.1"), addr("192.0.2.2"),
	addr("2001:db8::1"), addr("2001:db8::2"), addr("2001:db8:0:1::1"), {},
}

// model says by plain counting what a Guard must do.
type model struct {
	limits   Limits
	sessions []*modelSession
}

type modelSession struct {
	key           netip.Addr
	slot, address *Lease
	inTotal       bool
	beforeLogin   bool
	inAddress     bool
}

// counts are what the sessions occupy.
func (m *model) counts() counts {
	c := counts{perAddress: make(map[netip.Addr]int)}
	for _, s := range m.sessions {
		if s.inTotal {
			c.connections++
		}
		if s.beforeLogin {
			c.beforeLogin++
		}
		if s.inAddress {
			c.perAddress[s.key]++
		}
	}
	return c
}

// denies is the check that denies a new session, "" if none does.
func (m *model) denies(stage Stage, key netip.Addr) string {
	c := m.counts()
	switch {
	case stage == Accept && c.connections >= int64(m.limits.Connections):
		return total
	case stage == Accept && c.beforeLogin >= int64(m.limits.ConnectionsBeforeLogin):
		return beforeLogin
	case stage == Address && c.perAddress[key] >= m.limits.ConnectionsPerIP:
		return connectionsPerIP
	}
	return ""
}

// FuzzGuard does what the input says to a Guard and to the model, and insists
// after each step that decisions and counts are the same: none is ever
// negative, none leaks, and the table holds open sessions only.
func FuzzGuard(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 1, 0, 2, 0, 3, 0, 4, 0})
	f.Add([]byte{5, 1, 1, 1, 0, 0, 0, 1, 0, 2, 1, 0, 0, 3, 2, 0, 2, 0, 3, 0, 3, 0, 2, 0})
	f.Add([]byte{0, 3, 0, 4, 0, 3, 5, 2, 0, 1, 0, 3, 4, 0, 4, 1, 0, 4, 5, 7, 7, 7, 0, 3, 3, 0, 3, 1})
	f.Fuzz(func(t *testing.T, steps []byte) {
		if len(steps) > 200 {
			t.Skip("long inputs show no more")
		}
		m := &model{limits: Limits{Connections: 4, ConnectionsPerIP: 2, ConnectionsBeforeLogin: 3}}
		g := guardWith(m.limits)
		next := func() int {
			if len(steps) == 0 {
				return 0
			}
			b := steps[0]
			steps = steps[1:]
			return int(b)
		}
		for len(steps) > 0 {
			playStep(t, g, m, next)
			compare(t, g, m)
		}
		for _, s := range m.sessions {
			s.slot.Release()
			s.address.Release()
		}
		insistEmpty(t, g)
	})
}

// playStep does one step to both.
func playStep(t *testing.T, g *Guard, m *model, next func() int) {
	switch op := next() % 6; {
	case op <= 1:
		connect(t, g, m, modelAddrs[next()%len(modelAddrs)])
	case op == 5:
		m.limits = Limits{Connections: next() % 8, ConnectionsPerIP: next() % 8, ConnectionsBeforeLogin: next() % 8}
		g.SetRules(Rules{Limits: m.limits})
	case len(m.sessions) > 0:
		// Ended sessions stay in the list: releasing again must do nothing.
		s := m.sessions[next()%len(m.sessions)]
		switch op {
		case 2:
			s.slot.LoggedIn()
			s.beforeLogin = false
		case 3:
			s.slot.Release()
			s.inTotal, s.beforeLogin = false, false
		case 4:
			s.address.Release()
			s.inAddress = false
		}
	}
}

// connect is a new connection, which asks as far as it gets.
func connect(t *testing.T, g *Guard, m *model, addr netip.Addr) {
	s := &modelSession{key: m.limits.client(&Subject{Addr: addr})}
	m.sessions = append(m.sessions, s)
	subject := &Subject{Addr: addr}
	want := m.denies(Accept, s.key)
	s.slot = ask(t, g, Accept, subject, want)
	s.inTotal, s.beforeLogin = want == "", want == ""
	want = m.denies(Address, s.key)
	s.address = ask(t, g, Address, subject, want)
	s.inAddress = want == ""
}

// ask insists on a denial by the check that the model names, or on none.
func ask(t *testing.T, g *Guard, stage Stage, s *Subject, want string) *Lease {
	lease, denial := g.Ask(context.Background(), stage, s)
	got := ""
	if denial != nil {
		got = denial.Check
	}
	if got != want {
		t.Fatalf("stage %d, %v: denied by %q, want %q", stage, s.Addr, got, want)
	}
	return lease
}

func compare(t *testing.T, g *Guard, m *model) {
	got, want := countsOf(t, g), m.counts()
	if got.connections != want.connections || got.beforeLogin != want.beforeLogin ||
		!maps.Equal(got.perAddress, want.perAddress) {
		t.Fatalf("counts %+v, want %+v", got, want)
	}
}
