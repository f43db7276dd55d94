package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"time"

	"popgate/authz"
	"popgate/internal/admin"
	"popgate/internal/config"
	"popgate/internal/pop3"
	"popgate/internal/route"
	"popgate/proxy"
)

// explainer tells what would become of a login under one configuration. It asks
// what a session asks, in the same order (proxy/session.go), but takes nothing.
type explainer struct {
	guard     *authz.Guard
	rules     *authz.Rules
	routes    *route.Table
	listeners []string // at least one
	minTLS    uint16
	now       func() time.Time
	backends  func(name string) proxy.BackendState // nil: no popgate runs that could tell
}

func newExplainer(cfg *config.Config, guard *authz.Guard, rules *authz.Rules, routes *route.Table, backends func(string) proxy.BackendState) *explainer {
	e := &explainer{guard: guard, rules: rules, routes: routes, minTLS: cfg.TLS.MinVersion, now: time.Now, backends: backends}
	for _, l := range cfg.Listeners {
		e.listeners = append(e.listeners, l.Name)
	}
	if acme := cfg.TLS.ACME; acme != nil && acme.HTTPS.Address != "" {
		e.listeners = append(e.listeners, challengeListener)
	}
	return e
}

// explanation is one login being explained.
type explanation struct {
	*explainer
	admin.Explanation
	name    route.Name
	subject *authz.Subject
	terms   authz.Terms // of the policies
	early   string      // the limit that has decided before its stage; "": none has
}

// explain answers a complete question. Its errors: there is no such listener, or
// ctx is over.
func (e *explainer) explain(ctx context.Context, q admin.Question) (admin.Explanation, error) {
	if q.Listener == "" {
		q.Listener = e.listeners[0]
	}
	if !slices.Contains(e.listeners, q.Listener) {
		return admin.Explanation{}, admin.ErrUnknownListener
	}
	now := e.now().Truncate(time.Second)
	if q.Time != nil {
		now = q.Time.In(now.Location())
	}
	q.Time = &now
	x := &explanation{explainer: e, Explanation: admin.Explanation{Question: q}}
	x.Networks = e.rules.Networks.Of(q.Address)
	x.connect(ctx)
	if x.resolve() {
		x.limits(ctx, admin.StageLogin)
		x.policies(ctx)
		x.target(ctx)
		x.limits(ctx, admin.StageAccepted)
	}
	x.letIn()
	return x.Explanation, ctx.Err()
}

// end notes what would end the session or the login. The first end is the one.
func (x *explanation) end(o admin.Outcome) (first bool) {
	if x.Outcome.Result != "" {
		return false
	}
	o.Policy = cmp.Or(o.Policy, x.terms.Policy)
	if x.terms.Delay > 0 {
		o.Delay = x.terms.Delay.String()
	}
	x.Outcome = o
	return true
}

// connect is what comes before a name.
func (x *explanation) connect(ctx context.Context) {
	x.subject = &authz.Subject{Listener: x.Question.Listener, Addr: x.Question.Address, Rules: x.rules}
	x.limits(ctx, admin.StageConnection)
	if v := x.version(); v < x.minTLS {
		x.end(admin.Outcome{Result: admin.ResultClosed, Reason: "handshake_failed", Detail: "the least version is " + tls.VersionName(x.minTLS)})
	}
}

// version is that of TLS, as crypto/tls has it.
func (x *explanation) version() uint16 {
	if x.Question.TLS == "1.2" {
		return tls.VersionTLS12
	}
	return tls.VersionTLS13
}

// resolve reads the name, first as the wire does.
func (x *explanation) resolve() bool {
	q := &x.Question
	err := pop3.CheckName([]byte(q.User))
	malformed := err != nil
	if err == nil && q.Mechanism == "USER" && len("USER "+q.User+"\r\n") > pop3.MaxCommand {
		err, malformed = pop3.ErrTooLong, true
	}
	if err == nil {
		x.name, err = x.routes.Resolve(q.User, q.ServerName)
	}
	if err != nil {
		x.Name.Refused = err.Error()
		o := admin.Outcome{Result: admin.ResultRefused, Reason: "bad_name", Detail: err.Error()}
		if malformed {
			o.Result, o.Reason = admin.ResultMalformed, ""
		}
		x.end(o)
		return false
	}
	x.Name = admin.Name{Canonical: x.name.Canonical, Tenant: x.name.Tenant}
	x.subject.User, x.subject.Tenant = x.name.Canonical, x.name.Tenant
	x.subject.Mechanism, x.subject.TLS = q.Mechanism, x.version()
	x.subject.Env = route.NewEnv(x.vars())
	return true
}

// vars are what a session's conditions would see.
func (x *explanation) vars() route.Vars {
	q := &x.Question
	return route.Vars{
		UserName: x.name.Typed, UserLocal: x.name.Local, UserDomain: x.name.Domain, UserTenant: x.name.Tenant,
		ClientIP: q.Address, ClientPort: q.Port, Networks: func() []string { return x.Networks },
		TLSVersion: q.TLS, TLSCipher: q.Cipher, ServerName: q.ServerName,
		Listener: q.Listener, Mechanism: q.Mechanism, Time: *q.Time,
	}
}

// stageOf are the guard's stages, as an explanation shows them.
var stageOf = map[authz.Stage]string{
	authz.Accept:   admin.StageConnection,
	authz.Address:  admin.StageConnection,
	authz.Login:    admin.StageLogin,
	authz.Accepted: admin.StageAccepted,
}

// aloud are the checks whose denial is told: there is no room for anybody.
var aloud = map[string]bool{
	"connections": true, "connections_per_listener": true,
	"connections_before_login": true, "connections_before_login_per_listener": true,
}

// limits looks at the limits of a stage. The first one that denies decides; those
// that a session asks earlier than at their stage have decided already.
func (x *explanation) limits(ctx context.Context, stage string) {
	findings := x.guard.Look(ctx, x.subject)
	for _, f := range findings {
		if stageOf[f.Stage] != stage {
			continue
		}
		l := admin.Limit{Check: f.Check, Stage: stage, Verdict: string(f.Verdict), Detail: f.Detail}
		if f.Verdict == authz.Denies {
			l.Decides = x.early == f.Check || x.end(denied(f))
		}
		x.Limits = append(x.Limits, l)
	}
	for _, f := range findings {
		if stage == admin.StageLogin && f.Early && f.Verdict == authz.Denies && x.end(denied(f)) {
			x.early = f.Check
		}
	}
}

// denied is the outcome of a limit's denial.
func denied(f authz.Finding) admin.Outcome {
	return admin.Outcome{Result: denialOf(f.Check, stageOf[f.Stage]), Reason: f.Check, Detail: f.Detail}
}

// denialOf is what a limit's denial means for the client.
func denialOf(check, stage string) string {
	switch {
	case aloud[check]:
		return admin.ResultTemporary
	case stage == admin.StageConnection:
		return admin.ResultClosed
	case check == "login_delay":
		return admin.ResultTooSoon
	}
	return admin.ResultRefused
}

// policies asks the policies up to the one that decides.
func (x *explanation) policies(ctx context.Context) {
	for _, o := range x.guard.Opinions(x.subject) {
		p := admin.Policy{Policy: o.Policy, Verdict: admin.ConditionFalse, Action: o.Action, Denies: o.Denies, LogOnly: o.LogOnly}
		switch {
		case o.Err != nil:
			p.Verdict, p.Error = admin.ConditionFails, o.Err.Error()
		case o.True:
			p.Verdict = admin.ConditionTrue
		}
		p.Decides = p.Verdict != admin.ConditionFalse && !o.LogOnly
		x.Policies = append(x.Policies, p)
	}
	terms, denial := x.guard.Decide(ctx, x.subject)
	if denial != nil {
		x.end(admin.Outcome{Result: admin.ResultRefused, Reason: denial.Check, Policy: denial.Policy, Detail: denial.Reason})
		return
	}
	x.terms = terms
}

// target finds the backend.
func (x *explanation) target(ctx context.Context) {
	target, err := x.routes.Route(ctx, x.name, x.subject.Env)
	if err != nil {
		x.Route = &admin.Route{Failed: err.Error()}
		o := admin.Outcome{Result: admin.ResultTemporary, Reason: "route_failed", Detail: err.Error()}
		if errors.Is(err, route.ErrNoRoute) {
			o.Result, o.Reason, o.Detail = admin.ResultRefused, "no_route", ""
		}
		x.end(o)
		return
	}
	x.Route = &admin.Route{
		Rule: target.Rule, Backend: target.Backend.Name, Addresses: target.Backend.Addresses,
		Connections: target.Backend.Connections, Login: target.Login, Auth: target.Backend.Auth.String(),
	}
	if x.backends != nil {
		x.place(x.backends(target.Backend.Name), target.Backend.Connections)
	}
}

// place tells whether there is one at the backend.
func (x *explanation) place(known proxy.BackendState, most int) {
	x.Route.State, x.Route.Sessions = backendState(known), &known.Open
	switch {
	case known.Draining:
		x.end(admin.Outcome{Result: admin.ResultTemporary, Reason: "backend_draining"})
	case most > 0 && known.Open >= most:
		x.end(admin.Outcome{Result: admin.ResultTemporary, Reason: "backend_connections", Detail: fmt.Sprintf("%d of %d", known.Open, most)})
	}
}

// letIn is the end that is left if nothing has refused.
func (x *explanation) letIn() {
	o := admin.Outcome{Result: admin.ResultLetIn}
	if x.terms.ReadOnly {
		o.Result = admin.ResultReadOnly
	}
	if x.Route != nil && x.Route.State == admin.BackendDown {
		o.Detail = "the backend was down at the last try"
	}
	x.end(o)
}
