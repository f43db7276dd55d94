package main

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"popgate/authz"
	"popgate/internal/admin"
)

// twoListeners are where the sessions of these tests arrive.
const twoListeners = oneListener + "listener \"second\" { address = \"127.0.0.2:0\" }\n"

// society has a tenant of each kind, and policies of each kind. Its limits are
// out of the way.
const society = `
limits {
  connection_rate     = "off"
  login_rate          = "off"
  login_rate_per_ip   = "off"
  login_rate_per_user = "off"
}
blocking {
  failures_per_user = 0
  failures_per_ip   = 0
}
networks "office" { addresses = ["127.0.0.1"] }
networks "branch" { addresses = ["127.0.0.2/31"] }
policy "trial" {
  when     = contains(client.networks, "branch")
  deny     = "not from there"
  log_only = true
}
policy "fails" {
  when  = startswith(user.local, "ed") ? regex("^edd(.)", user.local)[0] == "y" : false
  allow = true
}
policy "modern" {
  when = user.local == "carl"
  require { tls = "1.3" }
}
policy "plain" {
  when = listener == "second" && !contains(client.networks, "office")
  require { mechanisms = ["PLAIN", "LOGIN"] }
}
policy "free" {
  when  = user.local == "boss"
  allow = true
}
tenant "acme" {
  domains = ["acme.example", "acme.test"]
  hosts   = ["pop.acme.example"]
  policy "office" {
    when = !contains(client.networks, "office")
    deny = "office only"
  }
  policy "freeze" {
    when      = user.local == "dora"
    read_only = true
  }
  route "all" {
    when    = user.local != "nobody"
    login   = "alice"
    backend = "legacy"
  }
}
tenant "beta" {
  domains  = ["beta.example"]
  hosts    = ["pop.beta.example"]
  any_host = true
  route "some" {
    when    = auth.mechanism != "LOGIN"
    login   = "bob"
    backend = "legacy"
  }
}
route "odd" {
  when    = user.domain == "odd.example"
  login   = regex("^x(.*)$", user.local)[0]
  backend = "legacy"
}
route "names" {
  when    = user.domain == ""
  login   = "bob"
  backend = "legacy"
}
route "spare" {
  when    = user.name == "never@else.example"
  backend = "spare"
}
backend "spare" { address = "127.0.0.1:1" }
`

// TestExplainAgrees: what is explained is what a real session gets, by what its
// client and the log are told, whoever asks for whatever name from wherever.
func TestExplainAgrees(t *testing.T) {
	needLoopbacks(t)
	h := newHouse(t, twoListeners, society)
	var all []admin.Question
	for _, user := range []string{
		"bob", "BOSS", "boss@acme.example", "carl@ACME.example", "carl", "dora", "dora@acme.test", "eve@acme.test", "nobody@acme.example", "eve@beta.example",
		"edgar", "edgar@beta.example", "xbob@odd.example", "zoe@odd.example", "someone@else.example",
		"a@b@c", "@acme.example", "boss@", "bob.", " bob", "bob ", "", "b\tb", "bücher", "b%ob", "x\\y",
		strings.Repeat("x", 240), strings.Repeat("x", 248), strings.Repeat("x", 249), strings.Repeat("x", 256),
	} {
		for _, host := range []string{"", "pop.acme.example", "POP.beta.example", "pop.else.example"} {
			for _, listener := range []string{"", "second"} {
				for _, mechanism := range []string{"USER", "PLAIN", "LOGIN"} {
					for _, version := range []string{"1.2", "1.3"} {
						for _, last := range []byte{1, 2, 9} {
							q := clientFrom(last, user)
							q.ServerName, q.Listener, q.Mechanism, q.TLS = host, listener, mechanism, version
							all = append(all, q)
						}
					}
				}
			}
		}
	}
	// The same ones in each run.
	chance := rand.New(rand.NewPCG(4, 2))
	chance.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	seen := make(map[string]int)
	for _, q := range all[:500] {
		x := h.agree(t, q)
		seen[x.Outcome.Result+" "+x.Outcome.Reason+" "+x.Outcome.Policy]++
	}
	for _, kind := range []string{
		"let_in  ", "let_in  free", "let_in  plain", "read_only  freeze", "refused policy office", "refused policy modern", "refused policy plain",
		"refused policy fails", "refused no_route ", "refused bad_name ", "malformed  ", "temporary route_failed ",
	} {
		if seen[kind] == 0 {
			t.Errorf("no login was %q: is this test blind? There were %v", kind, seen)
		}
	}
}

// TestExplainVersion: a version that isn't spoken is a connection that ends.
func TestExplainVersion(t *testing.T) {
	needLoopbacks(t)
	h := newHouse(t, oneListener, "")
	old := clientFrom(1, bob)
	old.TLS = "1.2"
	if x := h.agree(t, old); x.Outcome.Result != admin.ResultLetIn {
		t.Errorf("it is %+v", x.Outcome)
	}
	cfg := h.load(t)
	cfg.TLS.MinVersion = 0x0304
	if err := h.service.apply(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if x := h.agree(t, old); x.Outcome.Result != admin.ResultClosed {
		t.Errorf("after the reload it is %+v", x.Outcome)
	}
	old.TLS = "1.3"
	h.agree(t, old)
}

// TestExplainFollowsReloads: the configuration in force answers, not the file's.
func TestExplainFollowsReloads(t *testing.T) {
	needLoopbacks(t)
	h := newHouse(t, oneListener, "")
	if x := h.explain(t, clientFrom(1, bob)); x.Outcome.Result != admin.ResultLetIn {
		t.Errorf("at first it is %+v", x.Outcome)
	}
	h.write(t, oneListener+"tls { self_signed = true }\n"+ownSocket+backendAt(h.port)+"policy \"shut\" { deny = \"closed\" }\n")
	if x := h.explain(t, clientFrom(1, bob)); x.Outcome.Result != admin.ResultLetIn {
		t.Errorf("before the reload it is %+v", x.Outcome)
	}
	if err := h.service.apply(t.Context(), h.load(t)); err != nil {
		t.Fatal(err)
	}
	if x := h.agree(t, clientFrom(1, bob)); x.Outcome != (admin.Outcome{Result: admin.ResultRefused, Reason: "policy", Policy: "shut", Detail: "closed"}) {
		t.Errorf("afterwards it is %+v", x.Outcome)
	}
}

// TestExplainStages: the guard's checks are shown in the order of a session, each
// at a stage that explanations have, and what is told aloud is asked at the
// connection.
func TestExplainStages(t *testing.T) {
	order := []string{admin.StageConnection, admin.StageLogin, admin.StageAccepted}
	known := make(map[string]string)
	for _, f := range authz.New(authz.Rules{}, authz.Options{}).Look(t.Context(), new(authz.Subject)) {
		stage := stageOf[f.Stage]
		known[f.Check] = stage
		for order[0] != stage {
			if order = order[1:]; len(order) == 0 {
				t.Fatalf("%s is asked too late for %q", f.Check, stage)
			}
		}
	}
	if len(order) != 1 {
		t.Errorf("no check is asked at %q", order[1:])
	}
	for check := range aloud {
		if known[check] != admin.StageConnection {
			t.Errorf("%q is told, but asked at %q", check, known[check])
		}
	}
	for _, check := range []string{"connections_per_user", "connections_per_tenant", "login_delay"} {
		if known[check] != admin.StageAccepted {
			t.Errorf("%q is asked at %q", check, known[check])
		}
	}
}

// TestExplainTime: conditions see the time of the question, in this machine's
// zone, and a delay is told.
func TestExplainTime(t *testing.T) {
	needLoopbacks(t)
	h := newHouse(t, oneListener, `
policy "night" {
  when  = time.hour < 6 || time.date == "2026-12-25"
  delay = "90s"
}
`)
	zone := time.Now().Location()
	for _, test := range []struct {
		at    time.Time
		delay string
	}{
		{time.Date(2026, 3, 1, 5, 59, 59, 0, zone), "1m30s"},
		{time.Date(2026, 3, 1, 6, 0, 0, 0, zone), ""},
		{time.Date(2026, 3, 1, 5, 0, 0, 0, zone).In(time.FixedZone("far", 13*3600)), "1m30s"},
		{time.Date(2026, 12, 25, 12, 0, 0, 0, zone), "1m30s"},
	} {
		q := clientFrom(1, bob)
		q.Time = &test.at
		x := h.explain(t, q)
		if x.Outcome.Result != admin.ResultLetIn || x.Outcome.Delay != test.delay || !x.Question.Time.Equal(test.at) {
			t.Errorf("%v: %+v, at %v", test.at, x.Outcome, x.Question.Time)
		}
	}
}
