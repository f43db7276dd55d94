package proxy

import "popgate/authz"

// holds is what a session occupies until it ends. Releasing twice is harmless.
type holds struct {
	slot    *authz.Lease // among all connections
	address *authz.Lease // among those of its client
	login   *authz.Lease // as a user
	place   func()       // gives the place at a backend back; nil: none
}

// loggedIn gives back what only sessions before login occupy.
func (h *holds) loggedIn() { h.slot.LoggedIn() }

// endAttempt gives back what a refused login occupied.
func (h *holds) endAttempt() {
	h.login.Release()
	h.login = nil
	if h.place != nil {
		h.place()
		h.place = nil
	}
}

// release gives everything back.
func (h *holds) release() {
	h.endAttempt()
	h.address.Release()
	h.slot.Release()
}
