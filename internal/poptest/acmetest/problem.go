package acmetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// urn begins every problem type of RFC 8555 §6.7.
const urn = "urn:ietf:params:acme:error:"

// Problem is a problem document (RFC 8555 §6.7), and an error for
// Options.Validate to return.
type Problem struct {
	Status int    // HTTP status; 0: what fits Type
	Type   string // the last word of the URN, as "dns", or a whole URN
	Detail string // for people
}

// Error is the type and the detail.
func (p *Problem) Error() string { return p.Type + ": " + p.Detail }

// problem makes a Problem of the status that fits its type.
func problem(typ, format string, values ...any) *Problem {
	return &Problem{Type: typ, Detail: fmt.Sprintf(format, values...)}
}

// notFound is for a URL that leads to nothing.
func notFound(what string) *Problem {
	return &Problem{Status: http.StatusNotFound, Type: "malformed", Detail: "no such " + what}
}

// asProblem turns any error into a problem, of type typ if it isn't one.
func asProblem(err error, typ string) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	return problem(typ, "%v", err)
}

func (p *Problem) status() int {
	if p.Status != 0 {
		return p.Status
	}
	switch strings.TrimPrefix(p.Type, urn) {
	case "rateLimited":
		return http.StatusTooManyRequests
	case "serverInternal":
		return http.StatusInternalServerError
	case "unauthorized", "orderNotReady", "externalAccountRequired", "userActionRequired", "caa":
		return http.StatusForbidden
	}
	return http.StatusBadRequest
}

// MarshalJSON gives the document as it goes over the wire.
func (p *Problem) MarshalJSON() ([]byte, error) {
	typ := p.Type
	if !strings.Contains(typ, ":") {
		typ = urn + typ
	}
	return json.Marshal(map[string]any{"type": typ, "detail": p.Detail, "status": p.status()})
}

func problemReply(p *Problem) *reply {
	rep := jsonReply(p.status(), p)
	rep.header.Set("Content-Type", "application/problem+json")
	return rep
}
