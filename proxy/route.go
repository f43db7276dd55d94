package proxy

import (
	"context"
	"errors"

	"popgate/internal/route"
)

// route finds the backend, and takes a place there.
func (s *session) route(ctx context.Context, name route.Name) (route.Target, error) {
	target, err := s.set.Routes.Route(ctx, name, s.login.subject.Env)
	switch {
	case ctx.Err() != nil:
		return route.Target{}, calledOff(ctx)
	case errors.Is(err, route.ErrNoRoute):
		// Like a wrong password: an unknown user must not stand out.
		return route.Target{}, fail(causeAuth, "no_route", err)
	case err != nil:
		s.info("route failed", "tenant", name.Tenant)
		return route.Target{}, fail(causeTemporary, "route_failed", err)
	}
	s.rec.trail.routed(target)
	s.rec.note(func() { s.rec.Backend, s.rec.Rule = target.Backend.Name, target.Rule })
	place, err := s.srv.backends.take(target.Backend)
	switch {
	case errors.Is(err, errBackendFull):
		s.srv.metrics.Denied("backend_connections")
		return route.Target{}, fail(causeCapacity, "backend_connections", nil)
	case err != nil:
		return route.Target{}, fail(causeTemporary, "backend_draining", err)
	}
	counted := s.srv.metrics.BackendTaken(target.Backend.Name)
	s.holds.place = func() { counted(); place() }
	return target, nil
}
