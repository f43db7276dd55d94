package authz

import (
	"context"
	"fmt"
)

// Verdict is what a check would say.
type Verdict string

// The verdicts.
const (
	Passes    Verdict = "passes"
	Denies    Verdict = "denies"
	Unlimited Verdict = "unlimited" // it doesn't apply, or is off
)

// Finding is one check's view of a subject.
type Finding struct {
	Check   string
	Verdict Verdict
	Detail  string // for people; may be empty
	// Stage is when the check is asked. Early: who is denied then is denied at
	// Login already.
	Stage Stage
	Early bool

	known bool // who asks has logged in before
}

// foundCount is the finding of a count and its limit.
func foundCount(check string, have, most int) Finding {
	f := Finding{Check: check, Verdict: Passes, Detail: fmt.Sprintf("%d of %d", have, most)}
	if have >= most {
		f.Verdict = Denies
	}
	return f
}

// Look asks all checks of all stages about a subject that has come so far, in
// the order in which a session asks them. It takes nothing.
func (g *Guard) Look(ctx context.Context, s *Subject) (findings []Finding) {
	limits := g.RulesOf(s).limits(s)
	for _, checks := range g.checks {
		for _, check := range checks {
			if _, twice := check.(glance); twice {
				continue // it is asked at its own stage
			}
			f := check.Look(ctx, s, limits)
			f.Stage = check.Stage()
			_, f.Early = glanceAt(check)
			findings = append(findings, f)
		}
	}
	return findings
}
