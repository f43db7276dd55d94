package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Certificates is what the program tells of and does with certificates.
type Certificates interface {
	// List returns every certificate that is served or should be, in the order
	// in which it is to be shown.
	List() []Certificate

	// Renew orders a new certificate for host, or joins the order that is under
	// way, and waits until it has ended. The end of ctx ends the waiting. Its
	// errors are ErrUnknownHost, ErrNotAutomatic, ErrShuttingDown, a
	// *PausedError or an *OrderError; any other is popgate's own trouble and is
	// told to nobody but the log. The host is as it was typed.
	Renew(ctx context.Context, host string) (Certificate, error)

	// Probe makes the challenge listeners answer for host for a minute as if a
	// CA had asked, so that it can be seen whether the host's ports lead to this
	// process. Its errors are those of Renew.
	Probe(host string) (Probe, error)
}

// The errors of [Certificates], which a [Client] returns as well.
var (
	ErrUnknownHost  = errors.New("popgate serves no such host")
	ErrNotAutomatic = errors.New("this host's certificate comes from files: whoever keeps them renews it")
	ErrShuttingDown = errors.New("popgate is shutting down")
)

// PausedError is a CA that asked to wait before the next order.
type PausedError struct {
	Until time.Time // zero: not known
}

func (e *PausedError) Error() string {
	if e.Until.IsZero() {
		return "the CA asked to wait"
	}
	return "the CA asked to wait until " + e.Until.UTC().Format(time.RFC3339)
}

// OrderError is an order that failed. Type and Detail are those of the CA's
// problem document (RFC 8555 §6.7), both empty if it sent none.
type OrderError struct {
	Type   string // a URN or URL
	Detail string
	Err    error // may be nil
}

func (e *OrderError) Error() string {
	parts := []string{"the order failed"}
	for _, part := range []string{e.Type, e.Detail} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if len(parts) == 1 && e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	return strings.Join(parts, ": ")
}

func (e *OrderError) Unwrap() error { return e.Err }

// The sources of a certificate.
const (
	SourceFile       = "file"
	SourceACME       = "acme"
	SourceSelfSigned = "self_signed"
)

// The states of a certificate. Expiring: valid, though it should have been
// renewed by now. Ordering: there is none, and an order is under way.
const (
	StateValid    = "valid"
	StateExpiring = "expiring"
	StateExpired  = "expired"
	StateMissing  = "missing"
	StateOrdering = "ordering"
)

// Certificate is the state of one host's certificate, or of one pair of files.
type Certificate struct {
	Name        string     `json:"name"`   // the host, or the name of the certificate block
	Source      string     `json:"source"` // see SourceFile and its neighbours
	Names       []string   `json:"names,omitempty"`
	Issuer      string     `json:"issuer,omitempty"`
	NotBefore   *time.Time `json:"not_before,omitempty"`
	NotAfter    *time.Time `json:"not_after,omitempty"`
	DaysLeft    *int       `json:"days_left,omitempty"` // whole days; below zero once it has expired
	State       string     `json:"state"`               // see StateValid and its neighbours
	LastError   *Problem   `json:"last_error,omitempty"`
	NextTry     *time.Time `json:"next_try,omitempty"` // of an order
	LastSuccess *time.Time `json:"last_success,omitempty"`
}

// Problem is what went wrong, in the CA's own words if it said something.
type Problem struct {
	Time   *time.Time `json:"time,omitempty"`
	Type   string     `json:"type,omitempty"` // a URN or URL
	Detail string     `json:"detail,omitempty"`
}

// Probe is what the challenge listeners answer for a host.
type Probe struct {
	HTTPPath    string    `json:"http_path"` // under http://HOST
	HTTPBody    string    `json:"http_body"`
	TLSALPNHash string    `json:"tls_alpn_hash"` // SHA-256 of the certificate shown to acme-tls/1, in hex
	Expires     time.Time `json:"expires"`
}

// Printable returns c with the texts that came from a CA or a certificate made
// fit for a terminal: bounded, on one line. A [Server] does that to whatever it
// lists.
func (c Certificate) Printable() Certificate {
	c.Name, c.Issuer = printable(c.Name), printable(c.Issuer)
	names := make([]string, 0, len(c.Names))
	for _, name := range c.Names {
		names = append(names, printable(name))
	}
	c.Names = names
	if c.LastError != nil {
		c.LastError = c.LastError.printable()
	}
	return c
}

func (p *Problem) printable() *Problem {
	return &Problem{Time: p.Time, Type: printable(p.Type), Detail: printable(p.Detail)}
}

// certificateList is the answer to "list": an object, so that more can come.
type certificateList struct {
	Certificates []Certificate `json:"certificates"`
}

func (s *Server) listCertificates(*http.Request) (any, error) {
	return certificateList{s.printableCertificates()}, nil
}

func (s *Server) printableCertificates() []Certificate {
	list := []Certificate{}
	for _, c := range s.certificates.List() {
		list = append(list, c.Printable())
	}
	return list
}

func (s *Server) renewCertificate(r *http.Request) (any, error) {
	c, err := s.certificates.Renew(r.Context(), r.PathValue("host"))
	if err != nil {
		return nil, fmt.Errorf("renew: %w", err)
	}
	return c.Printable(), nil
}

func (s *Server) probeCertificate(r *http.Request) (any, error) {
	p, err := s.certificates.Probe(r.PathValue("host"))
	if err != nil {
		return nil, fmt.Errorf("probe: %w", err)
	}
	return p, nil
}
