package route

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxName is the longest user name in bytes, as typed, as a key and as sent to
// a backend.
//
// RFC 4616 §2: names of up to 255 octets must be accepted.
const maxName = 255

// Name is a user name that was read and assigned to a tenant. Conditions get
// their variables from it: user.name, user.local, user.domain and user.tenant
// are Typed, Local, Domain and Tenant.
type Name struct {
	Typed     string // the client's bytes; what a backend gets unless a route says otherwise
	Canonical string // key for limits and maps: ASCII letters in lower case, and a tenant's bare name with its first domain
	Local     string // before the @, or all of a bare name; as typed
	Domain    string // behind the @ or the tenant's first one, ASCII letters in lower case; "" for a bare name of no tenant
	Tenant    string // the tenant's label; "" for users of no tenant
}

// Resolve reads a user name and finds its tenant. serverName is what the client
// asked for by SNI, or "" if it asked for nothing: the default host picks a
// certificate, but never a tenant. Resolve does no I/O.
//
// A name with a domain belongs to the tenant that has the domain. A bare name
// belongs to the tenant that has the server name, and gets its first domain.
// Nothing else is read out of a name: % and \ are plain characters, and domains
// aren't mapped between Unicode and Punycode.
//
// A name of a domain that no tenant has belongs to no tenant, over whatever
// host it comes. Deliberate: it isn't refused on a tenant's host. The refusal
// protects the users of a tenant, who have to come over their own hosts unless
// their tenant says any_host; users of no tenant have no hosts of their own that
// they could have missed, and a server that gets its first tenant must not lose
// the others' logins. Such a user can't reach the tenant: only top-level routes
// are asked, and tls.server_name lets them or a policy be stricter.
//
// Errors: ErrName for a name of a bad form, ErrForeignHost. Their texts name the
// reason, hold nothing that the client sent, and are for logs only.
func (t *Table) Resolve(typed, serverName string) (Name, error) {
	if err := checkName(typed); err != nil {
		return Name{}, err
	}
	host := t.hosts[foldHost(serverName)]
	local, domain, qualified := strings.Cut(typed, "@")
	if !qualified {
		return bareName(typed, host)
	}
	// Cutting at the last @ and refusing several is cutting at the first one
	// and refusing another behind it.
	switch {
	case strings.Contains(domain, "@"):
		return Name{}, fmt.Errorf("%w: several @", ErrName)
	case local == "":
		return Name{}, fmt.Errorf("%w: empty local part", ErrName)
	case domain == "":
		return Name{}, fmt.Errorf("%w: empty domain", ErrName)
	}
	n := Name{Typed: typed, Canonical: fold(typed), Local: local, Domain: fold(domain)}
	owner := t.domains[n.Domain]
	if owner == nil {
		return n, nil
	}
	if host != nil && host != owner && !owner.anyHost {
		return Name{}, fmt.Errorf("%w: tenant %q on a host of %q", ErrForeignHost, owner.name, host.name)
	}
	n.Tenant = owner.name
	return n, nil
}

// bareName completes a name without an @; host is the tenant of the server name
// or nil.
func bareName(typed string, host *tenant) (Name, error) {
	n := Name{Typed: typed, Canonical: fold(typed), Local: typed}
	if host == nil {
		return n, nil
	}
	n.Domain, n.Tenant = host.domain, host.name
	n.Canonical += "@" + host.domain
	if len(n.Canonical) > maxName {
		return Name{}, fmt.Errorf("%w: longer than %d bytes with its domain", ErrName, maxName)
	}
	return n, nil
}

// checkName reports what keeps s from being a user name, whoever made it: a
// client, or a `login` expression. The wire checks for control bytes too.
func checkName(s string) error {
	switch {
	case s == "":
		return fmt.Errorf("%w: empty", ErrName)
	case len(s) > maxName:
		return fmt.Errorf("%w: longer than %d bytes", ErrName, maxName)
	case !utf8.ValidString(s):
		// RFC 4616 §2 has names in UTF-8; U+FFFD would make one key of many.
		return fmt.Errorf("%w: invalid UTF-8", ErrName)
	case strings.ContainsFunc(s, isControl):
		return fmt.Errorf("%w: control character", ErrName)
	case s[0] == ' ' || s[len(s)-1] == ' ':
		// A reason of its own: it is a mistake of the client's settings that
		// an administrator can't see in a log otherwise.
		return fmt.Errorf("%w: leading or trailing space", ErrName)
	case s[len(s)-1] == '.':
		return fmt.Errorf("%w: trailing dot", ErrName)
	}
	return nil
}

// isControl reports whether r is a C0 or C1 control character or DEL.
func isControl(r rune) bool { return r < 0x20 || 0x7f <= r && r <= 0x9f }

// Fold is a name as keys have it: with its ASCII letters, and nothing else, in
// lower case.
func Fold(name string) string { return fold(name) }

// foldHost makes the key of a server name, which can end with the root's dot.
func foldHost(host string) string { return strings.TrimSuffix(fold(host), ".") }

// fold puts ASCII letters, and only those, in lower case: U+212A is no k, and
// backends would take the two for different users.
func fold(s string) string {
	for i := range len(s) {
		if isUpper(s[i]) {
			return foldFrom(s, i)
		}
	}
	return s
}

func foldFrom(s string, start int) string {
	b := []byte(s)
	for i := start; i < len(b); i++ {
		if isUpper(b[i]) {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
