package proxy

import (
	"errors"
	"sync"
	"time"

	"popgate/internal/route"
)

// backends is what the server remembers of backends across sessions and
// reloads, by name.
type backends struct {
	mu    sync.Mutex
	known map[string]*BackendState
}

// BackendState is what is known of a backend.
type BackendState struct {
	Open     int  // sessions there, dialing ones included
	Down     bool // the last connection failed
	Draining bool // nobody new is let in: see [Server.DrainBackend]

	LastOK    time.Time // when a connection last succeeded; zero: never
	LastError string    // of the last one that failed, fit for a log; "": none has
	FailedAt  time.Time // when that was
}

// Backend tells what is known of a backend.
func (s *Server) Backend(name string) BackendState {
	s.backends.mu.Lock()
	defer s.backends.mu.Unlock()
	return *s.backends.state(name)
}

// DrainBackend lets nobody new in at a backend, or again. Sessions that are there
// go on; logins are told [SYS/TEMP]. It outlives reloads, and no restart.
func (s *Server) DrainBackend(name string, drain bool) {
	s.backends.mu.Lock()
	defer s.backends.mu.Unlock()
	s.backends.state(name).Draining = drain
	s.metrics.BackendDraining(name, drain)
}

// state needs the lock.
func (b *backends) state(name string) *BackendState {
	if b.known == nil {
		b.known = make(map[string]*BackendState)
	}
	state := b.known[name]
	if state == nil {
		state = new(BackendState)
		b.known[name] = state
	}
	return state
}

// Why there is no place at a backend.
var (
	errBackendFull     = errors.New("its connections are used up")
	errBackendDraining = errors.New("it is being drained")
)

// take takes a place at a backend, unless its connections are used up (0 is no
// limit) or it is being drained.
func (b *backends) take(backend *route.Backend) (giveBack func(), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	state := b.state(backend.Name)
	switch {
	case state.Draining:
		return nil, errBackendDraining
	case backend.Connections > 0 && state.Open >= backend.Connections:
		return nil, errBackendFull
	}
	state.Open++
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		state.Open--
	}, nil
}

// succeeded notes that a backend is there, and reports whether that is news.
func (b *backends) succeeded(name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	state := b.state(name)
	was := state.Down
	state.Down, state.LastOK = false, time.Now()
	return was
}

// failed notes that no address of a backend works, and reports whether that is
// news: a backend that is down is worth one warning, not one a login.
func (b *backends) failed(name, why string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	state := b.state(name)
	was := state.Down
	state.Down, state.LastError, state.FailedAt = true, why, time.Now()
	return !was
}
