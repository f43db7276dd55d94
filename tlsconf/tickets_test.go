package tlsconf

import (
	"crypto/tls"
	"testing"
	"time"
)

// resumes tells whether a client that got its ticket from one server resumes at
// the other.
func resumes(t *testing.T, from, at *Source) bool {
	t.Helper()
	client := &tls.Config{ServerName: popHost, InsecureSkipVerify: true, ClientSessionCache: new(oneSession)}
	_, err := handshake(t, from, client)
	must(t, err)
	state, err := handshake(t, at, client)
	must(t, err)
	return state.DidResume
}

// A reload makes another Source; replicas are other processes.
func TestTicketsOfOneSecretAreReadByAll(t *testing.T) {
	own := NewTickets()
	with := func(tickets *Tickets) *Source {
		return newTestSource(t, Options{SelfSigned: true, Tickets: tickets})
	}
	shared, other := []byte("a secret of thirty-two octets or more"), []byte("another secret of thirty-two octets")
	for name, test := range map[string]struct {
		from, at *Source
		resumes  bool
	}{
		"the same keys":   {with(own), with(own), true},
		"a shared secret": {with(SharedTickets(shared)), with(SharedTickets(shared)), true},
		"other secrets":   {with(SharedTickets(shared)), with(SharedTickets(other)), false},
		"random keys":     {with(NewTickets()), with(NewTickets()), false},
		"no Tickets":      {with(nil), with(nil), false},
	} {
		if got := resumes(t, test.from, test.at); got != test.resumes {
			t.Errorf("%s: resumed %v", name, got)
		}
	}
}

// Keys change with the UTC day; a ticket is read on that day and the next.
func TestTicketKeysChangeDaily(t *testing.T) {
	midnight := time.Now().UTC().Truncate(day)
	at := func(when time.Time) *Source {
		return newTestSource(t, Options{SelfSigned: true, Tickets: SharedTickets([]byte("s")), Now: func() time.Time { return when }})
	}
	for name, test := range map[string]struct {
		issued, shown time.Time
		resumes       bool
	}{
		"the same day":             {midnight, midnight.Add(day - time.Second), true},
		"the next day":             {midnight, midnight.Add(2*day - time.Second), true},
		"the day after that":       {midnight, midnight.Add(2 * day), false},
		"a clock that lags behind": {midnight.Add(day), midnight.Add(day - time.Second), true},
		"one that lags days":       {midnight.Add(2 * day), midnight, false},
	} {
		if got := resumes(t, at(test.issued), at(test.shown)); got != test.resumes {
			t.Errorf("%s: resumed %v", name, got)
		}
	}
	keys, err := SharedTickets([]byte("s")).keys(1)
	must(t, err)
	next, err := SharedTickets([]byte("s")).keys(2)
	must(t, err)
	if keys[0] == next[0] || keys[0] != next[1] || next[0] != keys[2] {
		t.Error("keys don't follow each other")
	}
}

// A Source that runs changes its keys by itself.
func TestRunRotatesTickets(t *testing.T) {
	inBubble(t, func(t *testing.T, s scene) {
		first := s.ticketDay.Load()
		s.pass(25 * time.Hour)
		if now := s.ticketDay.Load(); now != first+1 {
			t.Errorf("keys of day %d, then %d", first, now)
		}
	})
}
