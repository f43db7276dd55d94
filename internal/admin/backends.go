package admin

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// Backends is what the program tells of and does with backends.
type Backends interface {
	// Backends returns the backends of the configuration in force, in its order.
	Backends() []Backend

	// DrainBackend lets nobody new log in at a backend, until UndrainBackend or
	// a restart; sessions that are there go on. Its only error is
	// ErrUnknownBackend. Doing it twice does no harm.
	DrainBackend(name string) (Backend, error)

	// UndrainBackend undoes DrainBackend. Its only error is ErrUnknownBackend.
	UndrainBackend(name string) (Backend, error)
}

// ErrUnknownBackend is a backend that isn't there.
var ErrUnknownBackend = errors.New("popgate has no such backend")

// The states of a backend, by what became of the last connection to it.
const (
	BackendUnused   = "unused" // nobody has been there yet
	BackendUp       = "up"
	BackendDown     = "down"     // no address could be connected to, or answered as it should
	BackendDraining = "draining" // nobody new is let in
)

// Backend is a backend and what is known of it.
type Backend struct {
	Name        string   `json:"name"`
	Addresses   []string `json:"addresses"`
	State       string   `json:"state"`                 // see BackendUnused and its neighbours
	Sessions    int      `json:"sessions"`              // in flight: logging in or logged in
	Connections int      `json:"connections,omitempty"` // how many there can be; 0: no limit
	// LastOK is when a connection last succeeded, LastError the last one that
	// didn't.
	LastOK    *time.Time `json:"last_ok,omitempty"`
	LastError *Problem   `json:"last_error,omitempty"`
}

// Printable returns b with texts of strangers made fit for a terminal.
func (b Backend) Printable() Backend {
	if b.LastError != nil {
		b.LastError = b.LastError.printable()
	}
	return b
}

// backendList is the answer to "list backends".
type backendList struct {
	Backends []Backend `json:"backends"`
}

func (s *Server) listBackends(*http.Request) (any, error) {
	return backendList{s.printableBackends()}, nil
}

func (s *Server) printableBackends() []Backend {
	list := []Backend{}
	for _, b := range s.backends.Backends() {
		list = append(list, b.Printable())
	}
	return list
}

func (s *Server) drainBackend(r *http.Request) (any, error) {
	b, err := s.backends.DrainBackend(r.PathValue("backend"))
	return b.Printable(), err
}

func (s *Server) undrainBackend(r *http.Request) (any, error) {
	b, err := s.backends.UndrainBackend(r.PathValue("backend"))
	return b.Printable(), err
}

// Backends lists the backends.
func (c *Client) Backends(ctx context.Context) ([]Backend, error) {
	var list backendList
	err := c.ask(ctx, quickLimit, http.MethodGet, "/v1/backends", &list)
	return list.Backends, err
}

// DrainBackend lets nobody new log in at a backend.
func (c *Client) DrainBackend(ctx context.Context, name string) (Backend, error) {
	return c.turnBackend(ctx, name, "drain")
}

// UndrainBackend undoes DrainBackend.
func (c *Client) UndrainBackend(ctx context.Context, name string) (Backend, error) {
	return c.turnBackend(ctx, name, "undrain")
}

func (c *Client) turnBackend(ctx context.Context, name, verb string) (Backend, error) {
	var b Backend
	err := c.ask(ctx, quickLimit, http.MethodPost, "/v1/backends/"+url.PathEscape(name)+"/"+verb, &b)
	return b, err
}
