package main

import (
	"sync/atomic"

	"popgate/internal/admin"
	"popgate/internal/config"
	"popgate/proxy"
)

// backendDesk tells operators of backends, and takes their wishes. There is a
// configuration before anybody can ask.
type backendDesk struct {
	server  *proxy.Server
	current *atomic.Pointer[config.Config]
}

// Backends returns the backends of the configuration in force.
func (d *backendDesk) Backends() []admin.Backend {
	var list []admin.Backend
	for _, b := range d.current.Load().Backends {
		list = append(list, d.shown(b))
	}
	return list
}

// DrainBackend lets nobody new in at a backend.
func (d *backendDesk) DrainBackend(name string) (admin.Backend, error) { return d.turn(name, true) }

// UndrainBackend undoes DrainBackend.
func (d *backendDesk) UndrainBackend(name string) (admin.Backend, error) { return d.turn(name, false) }

func (d *backendDesk) turn(name string, drain bool) (admin.Backend, error) {
	for _, b := range d.current.Load().Backends {
		if b.Name == name {
			d.server.DrainBackend(name, drain)
			return d.shown(b), nil
		}
	}
	return admin.Backend{}, admin.ErrUnknownBackend
}

// shown is a backend as operators see it.
func (d *backendDesk) shown(b config.Backend) admin.Backend {
	known := d.server.Backend(b.Name)
	out := admin.Backend{
		Name: b.Name, Addresses: b.Addresses, State: backendState(known),
		Sessions: known.Open, Connections: b.Connections, LastOK: moment(known.LastOK),
	}
	if known.LastError != "" {
		out.LastError = &admin.Problem{Time: moment(known.FailedAt), Detail: known.LastError}
	}
	return out
}

// backendState says in a word how a backend is.
func backendState(known proxy.BackendState) string {
	switch {
	case known.Draining:
		return admin.BackendDraining
	case known.Down:
		return admin.BackendDown
	case known.LastOK.IsZero():
		return admin.BackendUnused
	}
	return admin.BackendUp
}
