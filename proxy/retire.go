package proxy

import (
	"fmt"
	"net"
	"os"
	"slices"
	"time"
)

// Files returns a descriptor of each listening socket, by the address as
// configured, for another process to listen there, too. The caller closes them.
func (s *Server) Files() (map[string]*os.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	files := make(map[string]*os.File)
	for address, a := range s.acceptors {
		file, err := fileOf(a.listener)
		if err != nil {
			for _, file := range files {
				_ = file.Close()
			}
			return nil, fmt.Errorf("listener at %s: %w", address, err)
		}
		files[address] = file
	}
	return files, nil
}

func fileOf(ln net.Listener) (*os.File, error) {
	socket, ok := ln.(interface{ File() (*os.File, error) })
	if !ok {
		return nil, fmt.Errorf("%T has no descriptor", ln)
	}
	return socket.File()
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

// Linger waits until all sessions have ended, or for limit, after Retire.
func (s *Server) Linger(limit time.Duration) {
	ended := make(chan struct{})
	go func() {
		s.sessions.Wait()
		close(ended)
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
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
