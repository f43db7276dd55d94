package main

import (
	"strings"
	"testing"

	"popgate/authz"
	"popgate/internal/admin"
	"popgate/proxy"
)

// TestExplainLimits: each limit and block that denies is told beforehand, and
// looking takes nothing: the first look and the twentieth say the same.
func TestExplainLimits(t *testing.T) {
	needLoopbacks(t)
	const roomy = "timeouts { failure_delay = \"100ms\" }\n"
	limited := func(words string) string { return roomy + "limits {\n" + words + "\n}\n" }
	tenant := func(words string) string {
		return roomy + "tenant \"acme\" {\n  domains = [\"acme.example\"]\n  route \"all\" {\n    login = user.local\n    backend = \"legacy\"\n  }\n" + words + "\n}\n"
	}
	stay := func(user string) func(t *testing.T, h *house) {
		return func(t *testing.T, h *house) {
			q := clientFrom(1, "")
			q.TLS = "1.2"
			c := h.call(t, q)
			if answer := c.hear(); !strings.HasPrefix(answer, "+OK") {
				t.Fatalf("greeted with %q", answer)
			}
			if answer := c.logIn("USER", user, password); user != "" && !strings.HasPrefix(answer, "+OK") {
				t.Fatalf("%s logs in: %q", user, answer)
			}
		}
	}
	guess := func(user string, n int) func(t *testing.T, h *house) {
		return func(t *testing.T, h *house) {
			c := h.call(t, clientFrom(1, ""))
			c.hear()
			for i := range n {
				if i > 0 && i%3 == 0 {
					c = h.call(t, clientFrom(1, ""))
					c.hear()
				}
				c.logIn("PLAIN", user, strings.Repeat("wrong", i+1))
			}
		}
	}
	// A mail server lets nobody in twice: here users of old clients have others.
	const twoMailboxes = "route \"all\" {\n  login = tls.version == \"1.2\" ? \"alice\" : \"bob\"\n  backend = \"legacy\"\n}\n"
	const shut = "policy \"shut\" {\n  when = tls.version == \"1.3\"\n  deny = \"closed\"\n}\n"
	cases := map[string]struct {
		listeners, more string
		before          func(t *testing.T, h *house)
		user            string
		result          string
	}{
		"connections":              {"", limited("connections = 1\nconnections_per_ip = 1\nconnections_before_login = 1"), stay(""), bob, admin.ResultTemporary},
		"connections_per_listener": {"listener \"pop3s\" {\n  address = \"127.0.0.1:0\"\n  limits { connections = 1 }\n}\n", roomy, stay(""), bob, admin.ResultTemporary},
		"connections_before_login": {"", limited("connections_before_login = 1"), stay(""), bob, admin.ResultTemporary},
		"connections_before_login_per_listener": {"listener \"pop3s\" {\n  address = \"127.0.0.1:0\"\n  limits { connections_before_login = 1 }\n}\n",
			roomy, stay(""), bob, admin.ResultTemporary},
		"connections_per_ip":  {"", limited("connections_per_ip = 1"), stay(""), bob, admin.ResultClosed},
		"connection_rate":     {"", limited("connection_rate = \"1/h\""), stay(""), bob, admin.ResultClosed},
		"login_rate_per_ip":   {"", limited("login_rate_per_ip = \"1/h\""), stay(alice), bob, admin.ResultRefused},
		"login_rate":          {"", limited("login_rate = \"1/h\""), guess(bob, 1), "BOB", admin.ResultRefused},
		"login_rate_per_user": {"", limited("login_rate_per_user = \"1/h\""), stay(bob), bob, admin.ResultRefused},
		// These are asked before policies already.
		"connections_per_user":   {"", limited("connections_per_user = 1") + twoMailboxes + shut, stay(bob), bob, admin.ResultRefused},
		"connections_per_tenant": {"", tenant("limits { connections = 1 }") + shut, stay("alice@acme.example"), "bob@acme.example", admin.ResultRefused},
		"login_delay":            {"", tenant("login_delay = \"1h\""), func(t *testing.T, h *house) { h.agree(t, clientFrom(1, "bob@acme.example")) }, "bob@acme.example", admin.ResultTooSoon},
		"blocked_user":           {"", roomy + "blocking { failures_per_user = 2 }\n", guess(bob, 2), bob, admin.ResultRefused},
		"blocked_ip":             {"", roomy + "blocking { failures_per_ip = 4 }\n", guess(alice, 4), bob, admin.ResultRefused},
	}
	for _, f := range authz.New(authz.Rules{}, authz.Options{}).Look(t.Context(), new(authz.Subject)) {
		if _, ok := cases[f.Check]; !ok {
			t.Errorf("%q isn't tried", f.Check)
		}
	}
	for check, test := range cases {
		t.Run(check, func(t *testing.T) {
			if test.listeners == "" {
				test.listeners = oneListener
			}
			h := newHouse(t, test.listeners, test.more)
			test.before(t, h)
			q := clientFrom(1, test.user)
			for range 20 {
				h.explain(t, q)
			}
			x := h.agree(t, q)
			if x.Outcome.Result != test.result || x.Outcome.Reason != check {
				t.Errorf("it is %+v", x.Outcome)
			}
			deciding := 0
			for _, l := range x.Limits {
				if l.Decides {
					deciding++
				}
				if l.Decides != (l.Check == check) || l.Decides && l.Verdict != string(authz.Denies) {
					t.Errorf("%+v", l)
				}
			}
			if deciding != 1 {
				t.Errorf("%d limits decide", deciding)
			}
		})
	}
}

// TestExplainBackend: where there is no place at a backend, an explanation says so
// as a login finds it.
func TestExplainBackend(t *testing.T) {
	needLoopbacks(t)
	h := newHouse(t, oneListener, `
backend "small" {
  address     = "127.0.0.1:1"
  connections = 1
}
route "few" {
  when    = user.name == "bob"
  backend = "small"
}
route "all" { backend = "legacy" }
`)
	place := func(user, reason string, sessions int) {
		t.Helper()
		x := h.agree(t, clientFrom(1, user))
		if x.Outcome.Reason != reason || *x.Route.Sessions != sessions {
			t.Errorf("%s: %+v with %d sessions, want %q with %d", user, x.Outcome, *x.Route.Sessions, reason, sessions)
		}
	}
	place("alice", "", 0)
	h.service.server.DrainBackend("legacy", true)
	place("alice", "backend_draining", 0)
	h.service.server.DrainBackend("legacy", false)
	place("alice", "", 0)

	// Nobody answers at the small one; while it is tried its place is taken.
	full := newExplainer(h.load(t), h.service.guard, h.service.explainer.Load().rules, h.service.explainer.Load().routes,
		func(string) proxy.BackendState { return proxy.BackendState{Open: 1} })
	q := clientFrom(1, "bob")
	if err := q.Complete(); err != nil {
		t.Fatal(err)
	}
	x, err := full.explain(t.Context(), q)
	if err != nil || x.Outcome.Reason != "backend_connections" || x.Outcome.Result != admin.ResultTemporary || x.Outcome.Detail != "1 of 1" {
		t.Errorf("a full backend: %+v, %v", x.Outcome, err)
	}
}

// TestExplainTakesNothing: buckets of one token are as full after many questions
// as before.
func TestExplainTakesNothing(t *testing.T) {
	needLoopbacks(t)
	h := newHouse(t, oneListener, `
limits {
  connection_rate          = "2/h"
  login_rate               = "1/h"
  login_rate_per_ip        = "1/h"
  login_rate_per_user      = "1/h"
  connections              = 1
  connections_per_ip       = 1
  connections_per_user     = 1
  connections_before_login = 1
}
blocking {
  failures_per_user = 1
  failures_per_ip   = 1
}
`)
	for range 50 {
		h.explain(t, clientFrom(1, bob))
		h.explain(t, clientFrom(1, "a@@b"))
	}
	if x := h.agree(t, clientFrom(1, bob)); x.Outcome.Result != admin.ResultLetIn {
		t.Errorf("it is %+v", x.Outcome)
	}
	if text := h.log.String(); strings.Count(text, " event=login ") != 1 {
		t.Error("questions are logged as logins")
	}
}
