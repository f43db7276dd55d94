package authz

import (
	"context"
	"crypto/tls"
	"slices"
	"time"

	"popgate/internal/expr"
)

// Policy is one rule about who may log in. The first one whose condition is
// true decides.
type Policy struct {
	// Name is the label of its block.
	Name string
	// When is its condition; nil is always true.
	When *expr.Program

	// Deny refuses; its text is for the log. Allow asks no further policy.
	Deny  string
	Allow bool
	// Delay is how long the login waits, ReadOnly keeps the session from
	// changing anything.
	Delay    time.Duration
	ReadOnly bool
	// RequireTLS is the least version of TLS, RequireMechanisms are those that
	// the password may come by; zero: any. Who doesn't meet them is refused.
	RequireTLS        uint16
	RequireMechanisms []string

	// LogOnly: what it would do is only told.
	LogOnly bool
}

const policyCheck = "policy"

// Terms are what policies ask of a login.
type Terms struct {
	// Policy is the name of the one that has decided; "": none has.
	Policy   string
	Delay    time.Duration
	ReadOnly bool
	// Trials are the policies that only tell what they would do, if that is
	// anything.
	Trials []Opinion
}

// Opinion is what a policy thinks of a subject.
type Opinion struct {
	Policy string
	// True: its condition holds. Err: it could not be told, which denies.
	True bool
	Err  error
	// Action says in a few words what it does or would do.
	Action string
	Denies bool
	// Idle: it changes nothing, as all that it asks for is met.
	Idle    bool
	LogOnly bool
}

// Decide asks the policies: those for all, then those of the subject's tenant.
// A condition that fails denies.
func (g *Guard) Decide(ctx context.Context, s *Subject) (Terms, *Denial) {
	var terms Terms
	for p := range g.RulesOf(s).policies(s) {
		o := p.opinion(s)
		switch {
		case !o.True && o.Err == nil:
			continue
		case p.LogOnly:
			if !o.Idle {
				terms.Trials = append(terms.Trials, o)
			}
			continue
		case o.Denies:
			return terms, &Denial{Check: policyCheck, Kind: Refused, Policy: p.Name, Reason: o.Action, Err: o.Err}
		}
		terms.Policy, terms.Delay, terms.ReadOnly = p.Name, p.Delay, p.ReadOnly
		break
	}
	return terms, nil
}

// Opinions asks all policies up to the one that decides, for explanations.
func (g *Guard) Opinions(s *Subject) (list []Opinion) {
	for p := range g.RulesOf(s).policies(s) {
		o := p.opinion(s)
		list = append(list, o)
		if (o.True || o.Err != nil) && !p.LogOnly {
			break
		}
	}
	return list
}

// policies yields those that are for a subject, in order.
func (r *Rules) policies(s *Subject) func(yield func(*Policy) bool) {
	return func(yield func(*Policy) bool) {
		for _, list := range [][]Policy{r.Policies, r.Tenants[s.Tenant].Policies} {
			for i := range list {
				if !yield(&list[i]) {
					return
				}
			}
		}
	}
}

// opinion is what p thinks of s.
func (p *Policy) opinion(s *Subject) Opinion {
	o := Opinion{Policy: p.Name, True: true, LogOnly: p.LogOnly}
	if p.When != nil {
		o.True, o.Err = p.When.Bool(s.Env)
	}
	if o.Err != nil {
		o.Action, o.Denies = "the condition fails", true
		return o
	}
	o.Action, o.Denies = p.action(s)
	o.Idle = !o.Denies && !p.Allow && !p.ReadOnly && p.Delay == 0
	return o
}

// action says what p does with s.
func (p *Policy) action(s *Subject) (words string, denies bool) {
	switch {
	case p.Deny != "":
		return p.Deny, true
	case p.Allow:
		return "allow", false
	case p.RequireTLS > s.TLS:
		return "needs " + tls.VersionName(p.RequireTLS), true
	case len(p.RequireMechanisms) > 0 && !slices.Contains(p.RequireMechanisms, s.Mechanism):
		return "needs another mechanism than " + s.Mechanism, true
	}
	words = "let in"
	if p.ReadOnly {
		words += ", read-only"
	}
	if p.Delay > 0 {
		words += ", after " + p.Delay.String()
	}
	return words, false
}
