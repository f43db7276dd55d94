package main

import (
	"slices"
	"time"

	"popgate/internal/config"
	"popgate/tlsconf"
)

// hindrances are why mail clients can't be served now, a line each; none: they
// can.
func (s *service) hindrances() (reasons []string) {
	cfg := s.config.Load()
	switch {
	case s.handedOver.Load():
		return nil // the new process serves, and is asked from the next time on
	case s.draining.Load():
		reasons = append(reasons, "popgate is draining")
	case cfg == nil:
		return []string{"popgate is starting"}
	default:
		reasons = s.closedListeners(cfg)
	}
	if !s.hasCertificate() {
		reasons = append(reasons, "there is no certificate in force")
	}
	return reasons
}

func (s *service) closedListeners(cfg *config.Config) (reasons []string) {
	for _, l := range cfg.Listeners {
		if s.server.Addr(l.Address) == nil {
			reasons = append(reasons, "the listener "+l.Name+" is not open")
		}
	}
	return reasons
}

// hasCertificate tells whether any client can be served. One that has expired
// doesn't count: clients refuse it.
func (s *service) hasCertificate() bool {
	source := s.certificates.Load()
	if source == nil {
		return false
	}
	now := time.Now()
	return slices.ContainsFunc(source.Certificates(), func(c tlsconf.Certificate) bool { return c.NotAfter.After(now) })
}
