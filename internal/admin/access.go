package admin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Access says who may ask over TCP. Over the unix socket the kernel has decided
// that already: whoever comes that way may do everything.
type Access struct {
	// Token opens everything to whoever sends it, as `Authorization: Bearer` or
	// as the password of HTTP's Basic, which is what browsers ask for. "": nobody
	// can; without one, reading is open, as config takes a loopback address only.
	Token string
	// Hosts are names that requests may be sent to, beside IP addresses and
	// "localhost". A page of a stranger whose name leads here (DNS rebinding)
	// asks for a name of its own.
	Hosts []string
	// Pprof opens /debug/pprof/ to whoever may do everything.
	Pprof bool
	// At is where the TCP listener of this Access is. Whoever has come in
	// elsewhere, by one of before, may do nothing. Nil: anywhere.
	At net.Addr
}

// need is what a call asks of whoever makes it.
type need int

const (
	needAll  need = iota // the socket or the token
	needRead             // or a loopback address, where no token is set
	needNone             // nothing: probes can't send a token
)

// SetAccess replaces who may ask over TCP. If that is a change, all connections
// there are closed, whatever they are doing: none may outlive the token that it
// came in with, nor the address. One whose reload has led to that gets its answer
// before.
func (s *Server) SetAccess(a Access) {
	if before := s.access.Swap(&a); before != nil && before.same(&a) {
		return
	}
	s.strangers.closeAll()
}

// same tells whether a and b let in the same.
func (a *Access) same(b *Access) bool {
	return a.Token == b.Token && a.Pprof == b.Pprof && slices.Equal(a.Hosts, b.Hosts) && at(a.At) == at(b.At)
}

func at(addr net.Addr) string {
	if addr == nil {
		return ""
	}
	return addr.String()
}

// covers tells whether a connection to local came in by the listener of a.
func (a *Access) covers(local net.Addr) bool {
	here, ok := a.At.(*net.TCPAddr)
	there, known := local.(*net.TCPAddr)
	return !ok || known && here.Port == there.Port && (here.IP.IsUnspecified() || here.IP.Equal(there.IP))
}

// asker is who makes a request.
type asker int

const (
	askerUnknown asker = iota
	askerReader        // may read, but for users' names
	askerTrusted       // may do everything
)

// Keys of what a request's context knows.
type (
	viaSocket struct{} // the connection came over the unix socket
	overTCP   struct{} // the connection that didn't
	asAsker   struct{} // who asks
)

// transport marks connections that came over the unix socket, and lets requests know
// the others.
func transport(ctx context.Context, conn net.Conn) context.Context {
	if conn.LocalAddr().Network() == "unix" {
		return context.WithValue(ctx, viaSocket{}, true)
	}
	return context.WithValue(ctx, overTCP{}, conn)
}

// trusted tells whether a request may learn everything, users' names too.
func trusted(ctx context.Context) bool { return ctx.Value(asAsker{}) == askerTrusted }

// Refusals of requests over TCP.
var (
	errHost       = &Error{Code: CodeMisdirected, Message: "this name isn't one of popgate's: ask by IP address, or list it in admin { hosts }"}
	errOrigin     = &Error{Code: CodeForbidden, Message: "a page from elsewhere must not ask"}
	errToken      = &Error{Code: CodeUnauthorized, Message: "the token is missing or wrong"}
	errTokenUnset = &Error{Code: CodeUnauthorized, Message: "no token_file is set here, so that no token is right: ask without one, or through the unix socket"}
	errElsewhere  = &Error{Code: CodeForbidden, Message: "the admin address has changed"}
	errNoToken    = &Error{Code: CodeForbidden, Message: "this needs the unix socket, or a token: admin { token_file }"}
)

// admit decides whether a request may be answered, and as whose.
func (s *Server) admit(r *http.Request, n need) (asker, *Error) {
	if r.Context().Value(viaSocket{}) != nil {
		return askerTrusted, nil
	}
	access := s.access.Load()
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	switch {
	case !access.covers(local):
		return askerUnknown, errElsewhere
	case !access.knows(r.Host):
		return askerUnknown, errHost
	case foreignOrigin(r):
		return askerUnknown, errOrigin
	}
	token, given := tokenOf(r)
	switch {
	case given && access.Token != "" && sameText(token, access.Token):
		return askerTrusted, nil
	case n == needNone:
		return askerUnknown, nil
	case given && access.Token == "":
		return askerUnknown, errTokenUnset
	case access.Token != "":
		return askerUnknown, errToken
	case n == needRead:
		return askerReader, nil
	}
	return askerUnknown, errNoToken
}

// knows tells whether a request for host is meant for popgate.
func (a *Access) knows(host string) bool {
	name, literal := host, false
	if bare, _, err := net.SplitHostPort(host); err == nil {
		name, literal = bare, strings.HasPrefix(host, "[")
	} else if inner, ok := strings.CutPrefix(host, "["); ok {
		name, literal = strings.CutSuffix(inner, "]")
		if !literal {
			return false
		}
	}
	if addr, err := netip.ParseAddr(name); err == nil {
		// RFC 3986 §3.2.2: IPv6 stands in brackets, and nothing else does.
		return addr.Zone() == "" && literal == addr.Is6()
	}
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	return !literal && (name == "localhost" || slices.ContainsFunc(a.Hosts, func(known string) bool {
		return name == strings.ToLower(known)
	}))
}

// foreignOrigin tells whether a page of another origin has made a browser ask.
func foreignOrigin(r *http.Request) bool {
	if origins := r.Header.Values("Origin"); len(origins) > 0 {
		return len(origins) > 1 || origins[0] != "http://"+r.Host && origins[0] != "https://"+r.Host
	}
	header := r.Header.Get
	switch header("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return false
	}
	// A link from elsewhere to the page may be followed; whatever else a page asks
	// for, or shows in a frame, it asks for itself.
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	return !read || r.URL.Path != "/" || header("Sec-Fetch-Mode") != "navigate" || header("Sec-Fetch-Dest") != "document"
}

// tokenOf returns the token that a request brings, in either form.
func tokenOf(r *http.Request) (token string, given bool) {
	if _, password, ok := r.BasicAuth(); ok {
		return password, true
	}
	header := r.Header.Get("Authorization")
	scheme, token, _ := strings.Cut(header, " ")
	if strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token), true
	}
	return "", header != ""
}

// sameText compares secrets. The time that it takes tells nothing of either, the
// length included.
func sameText(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// The bounds of a token, in octets. 16 random ones in hexadecimal are 32.
const (
	minToken = 32
	maxToken = 1024
)

// CheckToken says what is wrong with a token that was read from a file.
func CheckToken(token string) error {
	switch {
	case len(token) < minToken:
		return errors.New("a token has 32 octets at least: make one with `openssl rand -hex 32`")
	case len(token) > maxToken:
		return errors.New("a token has 1,024 octets at most")
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return errors.New("a token is one line of printable ASCII characters without spaces")
	}
	return nil
}
