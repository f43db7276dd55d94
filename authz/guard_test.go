package authz

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"testing"
)

// step is a check of a test: it notes what is done to it.
type step struct {
	name    string
	stage   Stage
	denies  bool
	nothing bool // takes nothing that could be given back
	notes   *[]string
}

func (s *step) Name() string { return s.name }
func (s *step) Stage() Stage { return s.stage }

func (s *step) Take(context.Context, *Subject, *Limits) (func(), *Denial) {
	*s.notes = append(*s.notes, "take "+s.name)
	switch {
	case s.denies:
		return nil, &Denial{Check: s.name, Kind: Refused}
	case s.nothing:
		return nil, nil
	}
	return func() { *s.notes = append(*s.notes, "give "+s.name) }, nil
}

func (s *step) Look(context.Context, *Subject, *Limits) Finding { return Finding{Check: s.name} }

// guardOf is a Guard with these checks at stage Login.
func guardOf(notes *[]string, steps ...step) *Guard {
	g := guardWith(roomy)
	for _, s := range steps {
		s.stage, s.notes = Login, notes
		g.checks[Login] = append(g.checks[Login], &s)
	}
	return g
}

// TestChecksAreAskedInOrder: the first denial ends the asking, and what was
// taken until then is given back, the last one first.
func TestChecksAreAskedInOrder(t *testing.T) {
	for _, test := range []struct {
		name  string
		steps []step
		want  []string // before Release
		after []string // then
	}{
		{name: "none"},
		{
			name:  "all give leave",
			steps: []step{{name: "a"}, {name: "b", nothing: true}, {name: "c"}},
			want:  []string{"take a", "take b", "take c"},
			after: []string{"give c", "give a"},
		},
		{
			name:  "the last one denies",
			steps: []step{{name: "a"}, {name: "b"}, {name: "c", denies: true}},
			want:  []string{"take a", "take b", "take c", "give b", "give a"},
		},
		{
			name:  "the first one denies",
			steps: []step{{name: "a", denies: true}, {name: "b"}},
			want:  []string{"take a"},
		},
		{
			name:  "behind one that takes nothing",
			steps: []step{{name: "a", nothing: true}, {name: "b", denies: true}, {name: "c"}},
			want:  []string{"take a", "take b"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var notes []string
			lease, denial := guardOf(&notes, test.steps...).Ask(context.Background(), Login, from("192.0.2.1"))
			if !slices.Equal(notes, test.want) {
				t.Errorf("asking did %q, want %q", notes, test.want)
			}
			if denied := slices.ContainsFunc(test.steps, func(s step) bool { return s.denies }); denied != (denial != nil) {
				t.Errorf("denial: %v", denial)
			}
			if (lease == nil) == (denial == nil) {
				t.Errorf("lease %v, denial %v: want one of them", lease, denial)
			}
			notes = nil
			lease.Release()
			if !slices.Equal(notes, test.after) {
				t.Errorf("releasing did %q, want %q", notes, test.after)
			}
		})
	}
}

// TestZeroLimitsRefuseEverybody: limits that were forgotten let nobody in.
func TestZeroLimitsRefuseEverybody(t *testing.T) {
	g := guardWith(Limits{})
	deny(t, g, Accept, from("192.0.2.1"), total, Capacity)
	deny(t, g, Address, from("192.0.2.1"), connectionsPerIP, Refused)
	insistEmpty(t, g)
}

// TestRegisteredChecks: names are constant words, each there once, at a stage
// that a session has.
func TestRegisteredChecks(t *testing.T) {
	word := regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	seen := make(map[string]bool)
	for _, make := range registered {
		check := make(guardWith(roomy))
		name := check.Name()
		if !word.MatchString(name) || seen[name] || name != make(guardWith(roomy)).Name() {
			t.Errorf("check %q: want a constant word in snake_case that no other check has", name)
		}
		seen[name] = true
		if stage := check.Stage(); stage < Accept || stage > Accepted {
			t.Errorf("check %q is asked at stage %d, which no session has", name, stage)
		}
	}
	for _, name := range []string{
		total, perListener, beforeLogin, beforeLoginPerListener, connectionsPerIP, connectionsPerTenant,
		connectionsPerUser, connectionRate, loginRatePerIP, loginRatePerUser, loginRate, blockedIP, blockedPair, loginDelay,
	} {
		if !seen[name] {
			t.Errorf("check %q is not registered", name)
		}
	}
}

// TestGuardsShareNothing: two Guards have counts of their own.
func TestGuardsShareNothing(t *testing.T) {
	one := Limits{Connections: 1, ConnectionsPerIP: 1, ConnectionsBeforeLogin: 1}
	a, b := guardWith(one), guardWith(one)
	defer admit(t, a, Accept, from("192.0.2.1")).Release()
	defer admit(t, a, Address, from("192.0.2.1")).Release()
	defer admit(t, b, Accept, from("192.0.2.1")).Release()
	defer admit(t, b, Address, from("192.0.2.1")).Release()
}

// TestDenialIsAnError: callers find it behind other errors, and its text names
// the check.
func TestDenialIsAnError(t *testing.T) {
	wrapped := fmt.Errorf("login: %w", &Denial{Check: connectionsPerIP, Kind: Refused})
	denial, ok := errors.AsType[*Denial](wrapped)
	if !ok || denial.Kind != Refused {
		t.Fatalf("no denial in %v", wrapped)
	}
	if got, want := denial.Error(), "denied by connections_per_ip"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
