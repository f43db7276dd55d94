package route

import (
	"context"
	"fmt"

	"popgate/internal/expr"
)

// Target is where a user belongs.
type Target struct {
	Backend *Backend // never nil
	Login   string   // what to send as the name; checked, up to 255 bytes
	Rule    string   // for logs: `route "staff"`, `tenant "acme" route "x"`, `tenant "acme" backend` or `only backend`
}

// Route finds the backend of a name that [Table.Resolve] made. env holds the
// variables of this login.
//
// A tenant's users: the first of its own routes whose condition is true, then
// its backend; no top-level route touches them. All others: the first such
// top-level route, then the only backend if there is just one.
//
// Errors: ErrNoRoute; ErrExpression if a condition or a login fails on this
// user, also if a login isn't fit for the wire; ctx's error if it is over. A
// condition that fails ends the search: a later route might be wrong for the
// user.
func (t *Table) Route(ctx context.Context, n Name, env *expr.Env) (Target, error) {
	if err := ctx.Err(); err != nil {
		return Target{}, fmt.Errorf("route: %w", err)
	}
	rules, fallback := t.rules, t.only
	if n.Tenant != "" {
		owner := t.tenants[n.Tenant]
		if owner == nil {
			return Target{}, fmt.Errorf("%w: there is no tenant %q", ErrNoRoute, n.Tenant)
		}
		rules, fallback = owner.rules, owner.fallback
	}
	for i := range rules {
		ok, err := rules[i].matches(env)
		if err != nil {
			return Target{}, err
		}
		if ok {
			return rules[i].toward(n, env)
		}
	}
	if fallback == nil {
		return Target{}, ErrNoRoute
	}
	return fallback.toward(n, env)
}

// matches reports whether r takes the user of env.
func (r *rule) matches(env *expr.Env) (bool, error) {
	if r.when == nil {
		return true, nil
	}
	ok, err := r.when.Bool(env)
	if err != nil {
		return false, fmt.Errorf("%s: when: %w: %w", r.target.Rule, ErrExpression, err)
	}
	return ok, nil
}

// toward returns r's target for the user n.
func (r *rule) toward(n Name, env *expr.Env) (Target, error) {
	target := r.target
	target.Login = n.Typed
	if r.login == nil {
		if err := checkName(n.Typed); err != nil {
			return Target{}, err
		}
		return target, nil
	}
	var err error
	if target.Login, err = r.login.Text(env); err != nil {
		return Target{}, fmt.Errorf("%s: login: %w: %w", target.Rule, ErrExpression, err)
	}
	if err := checkName(target.Login); err != nil {
		// Deliberate: not %w. What the client sent wasn't malformed.
		return Target{}, fmt.Errorf("%s: login: %w: %v", target.Rule, ErrExpression, err)
	}
	return target, nil
}
