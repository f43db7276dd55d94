package admin

import (
	"context"
	"net"
	"net/http"
)

// Retire is for a server in whose place another process answers from now on: who
// has come already is answered as ever, until ctx ends. The listeners must be
// closed, and every Serve must have returned. Close or Shutdown comes next.
//
// Deliberate: not by http.Server.Shutdown, which drops the request of a connection
// that has just been accepted.
func (s *Server) Retire(ctx context.Context) {
	s.http.SetKeepAlivesEnabled(false) // closes those that wait for a next request
	gone := make(chan struct{})
	go func() {
		s.open.Wait()
		close(gone)
	}()
	select {
	case <-gone:
	case <-ctx.Done():
	}
}

// count counts connections.
func (s *Server) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.open.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.open.Done()
	}
}
