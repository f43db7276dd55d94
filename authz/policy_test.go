package authz

import (
	"crypto/tls"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"popgate/internal/expr"
)

// when compiles a condition.
func when(t testing.TB, text string) *expr.Program {
	t.Helper()
	e, diags := hclsyntax.ParseExpression([]byte(text), "config.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatalf("%s: %v", text, diags)
	}
	p, diags := expr.Compile(e, expr.Bool)
	if diags.HasErrors() {
		t.Fatalf("%s: %v", text, diags)
	}
	return p
}

// knocker is who wants to log in in these tests.
func knocker() *Subject {
	return &Subject{
		Listener: "pop3s", Addr: addr("192.0.2.1"), User: "joe@bank.example", Tenant: "bank", Mechanism: "PLAIN", TLS: tls.VersionTLS13,
		Env: expr.NewEnv(expr.Vars{
			UserName: "joe@bank.example", UserLocal: "joe", UserDomain: "bank.example", UserTenant: "bank",
			ClientIP: addr("192.0.2.1"), Mechanism: "PLAIN", TLSVersion: "1.3", Listener: "pop3s",
			Networks: func() []string { return []string{"office", "london"} },
			Time:     time.Date(2024, 2, 29, 13, 0, 0, 0, time.UTC),
		}),
	}
}

// TestPolicies: the first one whose condition is true decides.
func TestPolicies(t *testing.T) {
	yes, no := when(t, `user.local == "joe"`), when(t, `user.local == "ann"`)
	fails := when(t, `regex("^a+$", user.local) == "a"`) // it doesn't match
	for _, test := range []struct {
		name     string
		policies []Policy
		terms    Terms   // without trials
		trials   string  // those that say they would deny have a "!"
		denied   string  // the policy
		reason   string  // its text
		asked    string  // by Opinions
		subject  Subject // replaces what is set
	}{
		{name: "none at all"},
		{name: "none that is true", policies: []Policy{{Name: "a", When: no, Deny: "x"}, {Name: "b", When: no, Allow: true}}, asked: "a b"},
		{name: "no condition is always true", policies: []Policy{{Name: "a", Deny: "closed"}}, denied: "a", reason: "closed", asked: "a"},
		{name: "deny", policies: []Policy{{Name: "a", When: yes, Deny: "closed"}, {Name: "b", Allow: true}}, denied: "a", reason: "closed", asked: "a"},
		{name: "allow before deny", policies: []Policy{{Name: "a", When: yes, Allow: true}, {Name: "b", Deny: "x"}}, terms: Terms{Policy: "a"}, asked: "a"},
		{name: "a false one before", policies: []Policy{{Name: "a", When: no, Allow: true}, {Name: "b", Deny: "x"}}, denied: "b", reason: "x", asked: "a b"},
		{
			name:     "delay decides, nothing after it is asked",
			policies: []Policy{{Name: "a", When: yes, Delay: time.Second}, {Name: "b", ReadOnly: true}, {Name: "c", Deny: "x"}},
			terms:    Terms{Policy: "a", Delay: time.Second}, asked: "a",
		},
		{name: "read-only", policies: []Policy{{Name: "a", ReadOnly: true}}, terms: Terms{Policy: "a", ReadOnly: true}, asked: "a"},
		{
			name: "all that can stand together, met",
			policies: []Policy{{Name: "a", ReadOnly: true, Delay: time.Minute, RequireTLS: tls.VersionTLS13,
				RequireMechanisms: []string{"LOGIN", "PLAIN"}}},
			terms: Terms{Policy: "a", ReadOnly: true, Delay: time.Minute}, asked: "a",
		},
		{
			name:     "an older TLS than required",
			policies: []Policy{{Name: "a", ReadOnly: true, RequireTLS: tls.VersionTLS13}, {Name: "b", Allow: true}},
			subject:  Subject{TLS: tls.VersionTLS12}, denied: "a", reason: "needs TLS 1.3", asked: "a",
		},
		{
			name: "another mechanism than required", policies: []Policy{{Name: "a", RequireMechanisms: []string{"PLAIN", "LOGIN"}}},
			subject: Subject{Mechanism: "USER"}, denied: "a", reason: "needs another mechanism than USER", asked: "a",
		},
		{
			name:     "a requirement of others",
			policies: []Policy{{Name: "a", When: no, RequireTLS: tls.VersionTLS13}, {Name: "b", RequireMechanisms: []string{"USER"}}},
			subject:  Subject{TLS: tls.VersionTLS12, Mechanism: "USER"}, terms: Terms{Policy: "b"}, asked: "a b",
		},
		{name: "a condition that fails denies", policies: []Policy{{Name: "a", When: fails, Allow: true}, {Name: "b", Allow: true}}, denied: "a", reason: "the condition fails", asked: "a"},
		{
			name:     "trials are told and decide nothing",
			policies: []Policy{{Name: "a", Deny: "x", LogOnly: true}, {Name: "b", When: no, Deny: "x", LogOnly: true}, {Name: "c", Allow: true, LogOnly: true}, {Name: "d", ReadOnly: true}},
			trials:   "a! c", terms: Terms{Policy: "d", ReadOnly: true}, asked: "a b c d",
		},
		{
			name:     "a trial that fails would deny, and harms nobody",
			policies: []Policy{{Name: "a", When: fails, Allow: true, LogOnly: true}, {Name: "b", Allow: true}},
			trials:   "a!", terms: Terms{Policy: "b"}, asked: "a b",
		},
		{
			name:     "a trial of a requirement that isn't met",
			policies: []Policy{{Name: "a", RequireMechanisms: []string{"USER"}, LogOnly: true}, {Name: "b", RequireTLS: tls.VersionTLS12, LogOnly: true}},
			trials:   "a!", asked: "a b",
		},
		{
			name: "a trial that changes nothing isn't told",
			policies: []Policy{
				{Name: "a", RequireMechanisms: []string{"PLAIN"}, LogOnly: true}, {Name: "b", RequireMechanisms: []string{"PLAIN"}, Delay: time.Second, LogOnly: true},
				{Name: "c", RequireMechanisms: []string{"PLAIN"}, ReadOnly: true, LogOnly: true}, {Name: "d", RequireMechanisms: []string{"PLAIN"}},
			},
			trials: "b c", terms: Terms{Policy: "d"}, asked: "a b c d",
		},
		{
			name:     "trials before a denial are told",
			policies: []Policy{{Name: "a", Delay: time.Hour, LogOnly: true}, {Name: "b", Deny: "x"}, {Name: "c", Deny: "x", LogOnly: true}},
			trials:   "a", denied: "b", reason: "x", asked: "a b",
		},
		{name: "networks", policies: []Policy{{Name: "a", When: when(t, `contains(client.networks, "london")`), Deny: "x"}}, denied: "a", reason: "x", asked: "a"},
		{name: "mechanism", policies: []Policy{{Name: "a", When: when(t, `auth.mechanism != "PLAIN"`), Deny: "x"}}, asked: "a"},
		{name: "time and TLS", policies: []Policy{{Name: "a", When: when(t, `time.hour >= 9 && time.hour < 17 && tls.version == "1.3"`), Allow: true}, {Name: "b", Deny: "x"}}, terms: Terms{Policy: "a"}, asked: "a"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := knocker()
			if test.subject.TLS != 0 {
				s.TLS = test.subject.TLS
			}
			if test.subject.Mechanism != "" {
				s.Mechanism = test.subject.Mechanism
			}
			// A policy is the same wherever it stands.
			for place, rules := range map[string]Rules{
				"top level": {Policies: test.policies},
				"tenant":    {Tenants: map[string]Tenant{"bank": {Policies: test.policies}, "else": {Policies: []Policy{{Name: "else", Deny: "x"}}}}},
			} {
				g := New(rules, Options{})
				terms, denial := g.Decide(t.Context(), s)
				trials := names(terms.Trials)
				terms.Trials = nil
				if !reflect.DeepEqual(terms, test.terms) || trials != test.trials {
					t.Errorf("%s: %+v, trials %q, want %+v, trials %q", place, terms, trials, test.terms, test.trials)
				}
				insistDenial(t, denial, test.denied, test.reason)
				if got := strings.ReplaceAll(names(g.Opinions(s)), "!", ""); got != test.asked {
					t.Errorf("%s: Opinions asks %q, want %q", place, got, test.asked)
				}
			}
		})
	}
}

// names are those of opinions, with a "!" where they deny.
func names(list []Opinion) string {
	var words []string
	for _, o := range list {
		if o.Denies {
			o.Policy += "!"
		}
		words = append(words, o.Policy)
	}
	return strings.Join(words, " ")
}

func insistDenial(t *testing.T, got *Denial, policy, reason string) {
	t.Helper()
	if policy == "" {
		if got != nil {
			t.Errorf("denied: %v", got)
		}
		return
	}
	if got == nil {
		t.Fatalf("not denied, want it by %s", policy)
	}
	failed := reason == "the condition fails"
	if got.Check != "policy" || got.Kind != Refused || got.Policy != policy || got.Reason != reason || failed != (got.Err != nil) {
		t.Errorf("%+v, want it by policy %s: %s", got, policy, reason)
	}
	want := "denied by policy " + policy + ": " + reason
	if failed {
		want += ": " + got.Err.Error()
	}
	if got.Error() != want {
		t.Errorf("%q, want %q", got.Error(), want)
	}
	if failed && !errors.Is(got, got.Err) {
		t.Error("the denial hides why the condition fails")
	}
}

// TestTenantsPolicies: they are asked after those for all, and for the tenant's
// users only.
func TestTenantsPolicies(t *testing.T) {
	rules := Rules{
		Policies: []Policy{{Name: "vip", When: when(t, `user.local == "boss"`), Allow: true}, {Name: "trial", LogOnly: true, Deny: "x"}},
		Tenants: map[string]Tenant{
			"bank": {Policies: []Policy{{Name: "bank", Deny: "closed"}}},
			"shop": {Policies: []Policy{{Name: "shop", ReadOnly: true}}},
		},
	}
	g := New(rules, Options{})
	for _, test := range []struct{ local, tenant, policy, denied, asked string }{
		{"joe", "bank", "", "bank", "vip trial! bank!"},
		{"boss", "bank", "vip", "", "vip"},
		{"joe", "shop", "shop", "", "vip trial! shop"},
		{"joe", "", "", "", "vip trial!"},
		{"joe", "unknown", "", "", "vip trial!"},
	} {
		s := &Subject{User: test.local, Tenant: test.tenant, Env: expr.NewEnv(expr.Vars{UserName: test.local, UserLocal: test.local})}
		terms, denial := g.Decide(t.Context(), s)
		denied := ""
		if denial != nil {
			denied = denial.Policy
		}
		if asked := names(g.Opinions(s)); terms.Policy != test.policy || denied != test.denied || asked != test.asked {
			t.Errorf("%s of %q: policy %q, denied by %q, asked %q, want %+v", test.local, test.tenant, terms.Policy, denied, asked, test)
		}
	}
}

// TestOpinionsSayWhatTheyDo: in words for people.
func TestOpinionsSayWhatTheyDo(t *testing.T) {
	s := knocker()
	for _, test := range []struct {
		p    Policy
		want Opinion
	}{
		{Policy{Deny: "closed", When: when(t, `user.local == "ann"`)}, Opinion{Action: "closed", Denies: true}},
		{Policy{Deny: "closed"}, Opinion{True: true, Action: "closed", Denies: true}},
		{Policy{Allow: true, LogOnly: true}, Opinion{True: true, Action: "allow", LogOnly: true}},
		{Policy{Delay: time.Minute, ReadOnly: true}, Opinion{True: true, Action: "let in, read-only, after 1m0s"}},
		{Policy{RequireTLS: tls.VersionTLS13}, Opinion{True: true, Action: "let in", Idle: true}},
	} {
		test.p.Name, test.want.Policy = "p", "p"
		got := New(Rules{Policies: []Policy{test.p}}, Options{}).Opinions(s)
		if len(got) != 1 || got[0] != test.want {
			t.Errorf("%+v, want %+v", got, test.want)
		}
	}
}
