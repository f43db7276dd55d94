package proxy

import "popgate/authz"

// holds is what a session occupies until it ends. Releasing twice is harmless.
type holds struct {
	slot     *authz.Lease // among all connections
	address  *authz.Lease // among those of its client
	login    *authz.Lease // as a user
	accepted *authz.Lease // as one whose password is right
	place    func()       // gives the place at a backend back; nil: none
}

// loggedIn gives back what only sessions before login occupy. The login has been
// reported before that: who waits for it must find what it has led to.
func (h *holds) loggedIn() {
	h.accepted.Settle()
	h.slot.LoggedIn()
	h.login.LoggedIn()
}

// endAttempt gives back what a refused login occupied, once it has been reported.
func (h *holds) endAttempt() {
	h.accepted.Release()
	h.login.Release()
	h.accepted, h.login = nil, nil
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
