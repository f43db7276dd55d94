package admin

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// Retire is for a server in whose place another process answers from now on: who
// has come already is answered as ever, until ctx ends. The listeners must be
// closed, and every Serve must have returned. Close or Shutdown comes next.
func (s *Server) Retire(ctx context.Context) {
	s.http.SetKeepAlivesEnabled(false) // closes those that wait for a next request
	s.visitors.Leave(ctx)
}

// Visitors are the connections of an [http.Server] that has Count as its ConnState.
//
// Deliberate: not http.Server.Shutdown, which drops the request of a connection
// that has just been accepted.
type Visitors struct{ open sync.WaitGroup }

// Count counts connections.
func (v *Visitors) Count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		v.open.Add(1)
	case http.StateClosed, http.StateHijacked:
		v.open.Done()
	}
}

// Leave waits until all have gone, or ctx ends. No more must come: the server's
// Serve has returned.
func (v *Visitors) Leave(ctx context.Context) {
	gone := make(chan struct{})
	go func() {
		v.open.Wait()
		close(gone)
	}()
	select {
	case <-gone:
	case <-ctx.Done():
	}
}
