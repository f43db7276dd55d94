package main

import (
	"context"
	"errors"
	"time"

	"popgate/internal/admin"
	"popgate/proxy"
)

// sessionDesk tells operators of sessions, and takes their wishes.
type sessionDesk struct{ server *proxy.Server }

// Sessions returns the sessions that are open.
func (d *sessionDesk) Sessions() []admin.Session {
	views := d.server.Sessions()
	list := make([]admin.Session, 0, len(views))
	for _, v := range views {
		list = append(list, admin.Session{
			ID: v.ID, State: v.State, Began: v.Began.UTC().Truncate(time.Millisecond), Client: v.Client.String(), Listener: v.Listener,
			TLSVersion: v.TLSVersion, Cipher: v.Cipher, ServerName: v.ServerName,
			User: v.User, Tenant: v.Tenant, Mechanism: v.Mechanism, Policy: v.Policy, ReadOnly: v.ReadOnly,
			Backend: v.Backend, Address: v.Address, Route: v.Rule, Failures: v.LoginFailures, LastReason: v.LastFailure,
			FromClient: v.FromClient, FromBackend: v.FromBackend, Kicked: v.Kicked,
		})
	}
	return list
}

// Kick ends a session.
func (d *sessionDesk) Kick(id string) error {
	if errors.Is(d.server.Kick(id), proxy.ErrUnknownSession) {
		return admin.ErrUnknownSession
	}
	return nil
}

// Trace follows the next session of a user.
func (d *sessionDesk) Trace(ctx context.Context, opts admin.TraceOptions, each func(admin.TraceEvent) error) error {
	err := d.server.Trace(ctx, proxy.TraceOptions(opts), func(e proxy.TraceEvent) error {
		return each(admin.TraceEvent{Time: e.Time.UTC().Truncate(time.Millisecond), Session: e.Session, From: e.From, Text: e.Text})
	})
	if errors.Is(err, proxy.ErrTooManyTraces) {
		return admin.ErrTooManyTraces
	}
	return err
}
