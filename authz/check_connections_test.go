package authz

import "testing"

// TestConnections: each limit denies at its number and not before; a place
// that is given back can be taken again.
func TestConnections(t *testing.T) {
	for _, test := range []struct {
		name   string
		limits Limits
		room   int    // sessions that get in
		check  string // what denies the next one
	}{
		{"one in all", Limits{Connections: 1, ConnectionsBeforeLogin: 9, ConnectionsPerIP: 9}, 1, total},
		{"three in all", Limits{Connections: 3, ConnectionsBeforeLogin: 9, ConnectionsPerIP: 9}, 3, total},
		{"two before login", Limits{Connections: 9, ConnectionsBeforeLogin: 2, ConnectionsPerIP: 9}, 2, beforeLogin},
		{"both reached", Limits{Connections: 2, ConnectionsBeforeLogin: 2, ConnectionsPerIP: 9}, 2, total},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := guardWith(test.limits)
			s := from("192.0.2.1")
			var leases []*Lease
			for range test.room {
				leases = append(leases, admit(t, g, Accept, s))
			}
			for range 3 { // a denial takes nothing
				deny(t, g, Accept, s, test.check, Capacity)
			}
			leases[0].Release()
			leases[0] = admit(t, g, Accept, s)
			deny(t, g, Accept, s, test.check, Capacity)
			for _, lease := range leases {
				lease.Release()
			}
			insistEmpty(t, g)
		})
	}
}

// TestLoginMakesRoomBeforeLogin: who has logged in counts among all sessions
// only.
func TestLoginMakesRoomBeforeLogin(t *testing.T) {
	g := guardWith(Limits{Connections: 3, ConnectionsBeforeLogin: 1, ConnectionsPerIP: 9})
	s := from("192.0.2.1")
	var leases []*Lease
	for range 3 {
		lease := admit(t, g, Accept, s)
		lease.LoggedIn()
		leases = append(leases, lease)
	}
	deny(t, g, Accept, s, total, Capacity)
	leases[2].Release()
	last := admit(t, g, Accept, s)
	deny(t, g, Accept, s, total, Capacity)
	leases[0].Release()
	// There is room in all now, but the last one is before login still.
	deny(t, g, Accept, s, beforeLogin, Capacity)
	for _, lease := range append(leases, last) {
		lease.Release()
	}
	insistEmpty(t, g)
}

// TestLimitsChangeUnderSessions: new limits are for sessions to come. Nobody is
// thrown out, the counts go on, and nobody comes in until there is room.
func TestLimitsChangeUnderSessions(t *testing.T) {
	for _, test := range []struct {
		check  string
		stage  Stage
		kind   Kind
		limits func(n int) Limits
	}{
		{total, Accept, Capacity, func(n int) Limits { l := roomy; l.Connections = n; return l }},
		{beforeLogin, Accept, Capacity, func(n int) Limits { l := roomy; l.ConnectionsBeforeLogin = n; return l }},
		{connectionsPerIP, Address, Refused, func(n int) Limits { l := roomy; l.ConnectionsPerIP = n; return l }},
	} {
		t.Run(test.check, func(t *testing.T) {
			g := guardWith(test.limits(4))
			s := from("192.0.2.1")
			var leases []*Lease
			for range 4 {
				leases = append(leases, admit(t, g, test.stage, s))
			}
			leave := func() {
				leases[0].Release()
				leases = leases[1:]
			}

			g.SetRules(Rules{Limits: test.limits(2)})
			deny(t, g, test.stage, s, test.check, test.kind)
			leave()
			deny(t, g, test.stage, s, test.check, test.kind) // 3 of 2
			leave()
			deny(t, g, test.stage, s, test.check, test.kind) // 2 of 2
			leave()
			leases = append(leases, admit(t, g, test.stage, s))
			deny(t, g, test.stage, s, test.check, test.kind)

			g.SetRules(Rules{Limits: test.limits(3)})
			leases = append(leases, admit(t, g, test.stage, s))
			deny(t, g, test.stage, s, test.check, test.kind)

			g.SetRules(Rules{Limits: test.limits(0)})
			for len(leases) > 0 {
				leave()
			}
			deny(t, g, test.stage, s, test.check, test.kind)
			insistEmpty(t, g)
		})
	}
}
