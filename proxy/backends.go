package proxy

import (
	"sync"

	"popgate/internal/route"
)

// backends is what the server remembers of backends across sessions and
// reloads, by name.
type backends struct {
	mu    sync.Mutex
	known map[string]*backendState
}

type backendState struct {
	open int  // sessions, dialing ones included
	down bool // the last connection failed
}

// state needs the lock.
func (b *backends) state(name string) *backendState {
	if b.known == nil {
		b.known = make(map[string]*backendState)
	}
	state := b.known[name]
	if state == nil {
		state = new(backendState)
		b.known[name] = state
	}
	return state
}

// take takes a place at a backend, unless its connections are used up; 0 is no
// limit.
func (b *backends) take(backend *route.Backend) (giveBack func(), ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	state := b.state(backend.Name)
	if backend.Connections > 0 && state.open >= backend.Connections {
		return nil, false
	}
	state.open++
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		state.open--
	}, true
}

// turned notes how a connection went and reports whether that is news: a
// backend that is down is worth one warning, not one a login.
func (b *backends) turned(name string, down bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	state := b.state(name)
	changed := state.down != down
	state.down = down
	return changed
}
