package proxy

import (
	"slices"
	"syscall"
	"time"
)

// Sockets returns the listening sockets, by the address as configured, for another
// process to listen there, too. What has none, as in tests, is left out.
func (s *Server) Sockets() map[string]syscall.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	sockets := make(map[string]syscall.Conn)
	for address, a := range s.acceptors {
		if socket, ok := a.listener.(syscall.Conn); ok {
			sockets[address] = socket
		}
	}
	return sockets
}

// Retire stops accepting, for good: another process has the sockets. Sessions go
// on, those before login too; [Server.Drain] ends them. No Apply may follow.
func (s *Server) Retire() {
	s.applying.Lock()
	defer s.applying.Unlock()
	s.mu.Lock()
	for _, a := range s.acceptors {
		_ = a.listener.Close()
	}
	clear(s.acceptors)
	s.mu.Unlock()
	s.accepting.Wait()
}

// Linger waits until all sessions have ended, or for limit, and reports whether
// they have. Nothing may be accepted any more: it comes after Retire.
func (s *Server) Linger(limit time.Duration) (all bool) {
	ended := make(chan struct{})
	go func() {
		s.sessions.Wait()
		close(ended)
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-ended:
		return true
	case <-timer.C:
		return false
	}
}

// Open is how many sessions are open.
func (s *Server) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// Stuck returns the addresses where a connection that was accepted has been dealt
// with for longer than limit, before its session began: that takes microseconds,
// unless something is broken. Fit for a watchdog.
func (s *Server) Stuck(limit time.Duration) (addresses []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := time.Now().Add(-limit).UnixNano()
	for address, a := range s.acceptors {
		if since := a.busy.Load(); since != 0 && since < before {
			addresses = append(addresses, address)
		}
	}
	slices.Sort(addresses)
	return addresses
}
