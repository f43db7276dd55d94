package tlsconf

import (
	"net/netip"
	"slices"
	"strings"
)

// maxName is the length of the longest host name, in octets (RFC 1035 §2.3.4,
// written out without the final dot).
const maxName = 253

// FoldHost returns a host name as it is compared here: ASCII lower case, without
// one trailing dot.
func FoldHost(name string) string { return fold(name) }

// fold returns the host name that a person or a client gave as it is compared:
// ASCII lower case, without one trailing dot.
func fold(name string) string { return lower(strings.TrimSuffix(name, ".")) }

// lower folds ASCII letters, and nothing else: Unicode's case rules would make
// equal what DNS and x509 keep apart.
func lower(name string) string {
	for i := range len(name) {
		if 'A' <= name[i] && name[i] <= 'Z' {
			return lowerFrom(name, i)
		}
	}
	return name
}

// lowerFrom folds name, whose first upper-case letter is at i.
func lowerFrom(name string, i int) string {
	b := []byte(name)
	for ; i < len(b); i++ {
		if 'A' <= b[i] && b[i] <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}

// isAddress tells whether a folded name is an IP address, not a host name.
func isAddress(name string) bool {
	// No top-level domain ends in a digit, so that the common case costs no
	// failed parse, which would allocate.
	if name == "" || !strings.Contains(name, ":") && (name[len(name)-1] < '0' || '9' < name[len(name)-1]) {
		return false
	}
	_, err := netip.ParseAddr(name)
	return err == nil
}

// validHost tells whether a folded name can be a host name here: what
// x509.Certificate.VerifyHostname would match label by label, and no address.
func validHost(name string) bool {
	if name == "" || len(name) > maxName || isAddress(name) {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || label[0] == '-' || strings.ContainsFunc(label, notInLabel) {
			return false
		}
	}
	return true
}

// notInLabel tells whether c can't be in a label. The underscore is no letter
// of host names, but internal networks use it and x509 lets it pass.
func notInLabel(c rune) bool {
	return (c < 'a' || 'z' < c) && (c < '0' || '9' < c) && c != '-' && c != '_'
}

// wildcardParent returns "example.com" for "*.example.com".
//
// RFC 9525 §6.3: only a whole left-most label can be a wildcard, and it stands
// for exactly one label.
func wildcardParent(name string) (string, bool) {
	parent, ok := strings.CutPrefix(name, "*.")
	return parent, ok && validHost(parent)
}

// hostNames folds names, sorts them and drops doubles, addresses and empty ones.
func hostNames(names []string) []string {
	folded := make([]string, 0, len(names))
	for _, name := range names {
		if name = fold(name); name != "" && !isAddress(name) {
			folded = append(folded, name)
		}
	}
	slices.Sort(folded)
	return slices.Compact(folded)
}
