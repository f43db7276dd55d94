package authz

import (
	"context"
	"fmt"
	"strings"
)

// The names of the limits on how often.
const (
	connectionRate   = "connection_rate"
	loginRatePerIP   = "login_rate_per_ip"
	loginRate        = "login_rate"
	loginRatePerUser = "login_rate_per_user"
)

// pace lets a subject through as often as a bucket has a token.
type pace struct {
	name  string
	stage Stage
	store Store
	// spend: a token is taken by asking. Otherwise Report takes it, and asking
	// only looks.
	spend bool
	// key is whose bucket it is; its rate is part of it.
	key func(s *Subject, l *Limits) Key
}

func newConnectionRate(g *Guard) Check {
	return &pace{name: connectionRate, stage: Address, store: g.store, spend: true,
		key: func(s *Subject, l *Limits) Key { return unlessExempt(s, l, ofIP(connecting, s, l), l.ConnectionRate) }}
}

func newLoginRatePerIP(g *Guard) Check {
	return &pace{name: loginRatePerIP, stage: Login, store: g.store, spend: true,
		key: func(s *Subject, l *Limits) Key { return unlessExempt(s, l, ofIP(loginsOfIP, s, l), l.LoginRatePerIP) }}
}

func newLoginRate(g *Guard) Check {
	return &pace{name: loginRate, stage: Login, store: g.store, spend: true,
		key: func(s *Subject, l *Limits) Key { return unlessExempt(s, l, ofPair(loginsOfPair, s, l), l.LoginRate) }}
}

// newLoginRatePerUser spends nothing: what a guesser asks must not be missing
// when the owner comes.
func newLoginRatePerUser(g *Guard) Check {
	return &pace{name: loginRatePerUser, stage: Login, store: g.store, key: ofUser}
}

// ofUser is a user's bucket of successful logins.
func ofUser(s *Subject, l *Limits) Key {
	return Key{Topic: loginsOfUser, User: nameOf(s), Rate: l.LoginRatePerUser}
}

// ofIP is the key of a client.
func ofIP(topic Topic, s *Subject, l *Limits) Key { return Key{Topic: topic, Addr: l.client(s)} }

// ofPair is the key of a client as a user.
func ofPair(topic Topic, s *Subject, l *Limits) Key {
	return Key{Topic: topic, Addr: l.client(s), User: nameOf(s)}
}

// ofPassword is the key of a password that a client has tried as a user.
func ofPassword(s *Subject, l *Limits) Key {
	key := ofPair(tried, s, l)
	key.Print = s.Fingerprint
	return key
}

// maxName is how much of a name is kept, in bytes. No user's is longer; the
// Guard's memory is bounded whoever asks it.
const maxName = 255

// nameOf is the user of s.
func nameOf(s *Subject) string {
	if len(s.User) > maxName {
		return strings.Clone(s.User[:maxName])
	}
	return s.User
}

// unlessExempt gives the bucket of an address its rate.
func unlessExempt(s *Subject, l *Limits, key Key, r Rate) Key {
	if !l.exempts(s) {
		key.Rate = r
	}
	return key
}

func (p *pace) Name() string { return p.name }

func (p *pace) Stage() Stage { return p.stage }

func (p *pace) Take(ctx context.Context, s *Subject, limits *Limits) (func(), *Denial) {
	key := p.key(s, limits)
	if key.Rate.Off() {
		return nil, nil
	}
	ok := false
	if p.spend {
		_, ok = p.store.Take(ctx, key, key.Rate, 1)
	} else {
		ok = p.store.Left(ctx, key, key.Rate) >= 1
	}
	if !ok {
		return nil, &Denial{Check: p.name, Kind: Refused}
	}
	return nil, nil
}

func (p *pace) Look(ctx context.Context, s *Subject, limits *Limits) Finding {
	key := p.key(s, limits)
	rate := key.Rate
	if rate.Off() {
		return Finding{Check: p.name, Verdict: Unlimited}
	}
	left := p.store.Left(ctx, key, rate)
	f := Finding{Check: p.name, Verdict: Passes, Detail: fmt.Sprintf("%.1f of %d left, %d more in %v", left, rate.Count, rate.Count, rate.Per)}
	if left < 1 {
		f.Verdict = Denies
	}
	return f
}
