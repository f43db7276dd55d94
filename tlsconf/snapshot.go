package tlsconf

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"slices"
	"time"
)

// pair is a certificate with its private key, ready to be served. It never
// changes.
type pair struct {
	cert  tls.Certificate // with Leaf
	names []string        // folded, sorted, only what a lookup can match
	sum   [32]byte        // of the files' bytes; zero for pairs that come from none

	// exposed: the key file's mode lets every user of the machine read it.
	exposed bool
}

// newPair returns the pair that serves cert, whose Leaf must be set.
func newPair(cert tls.Certificate) *pair {
	p := &pair{cert: cert}
	for _, name := range cert.Leaf.DNSNames {
		// Not fold: x509 matches no name that is written with a trailing dot.
		name = lower(name)
		if _, wild := wildcardParent(name); wild || validHost(name) {
			p.names = append(p.names, name)
		}
	}
	slices.Sort(p.names)
	p.names = slices.Compact(p.names)
	return p
}

func (p *pair) notAfter() time.Time { return p.cert.Leaf.NotAfter }

func (p *pair) expired(now time.Time) bool { return now.After(p.notAfter()) }

// snapshot is what handshakes read: which pair serves which name. It never
// changes once it is published.
type snapshot struct {
	exact    map[string][]*pair // by host name; the preferred pair first
	wildcard map[string][]*pair // by the parent of the wildcard, likewise
	nameless []*pair            // for clients that name no host; may be empty
	unknown  []*pair            // for clients that name a host that nothing covers; mostly empty
	standIn  *pair              // for all other clients; nil: they are refused
	list     []Certificate
}

// stock is what a snapshot is made of.
type stock struct {
	pairs  []*pair          // from files
	issued map[string]*pair // by a CA, by host
	hosts  int              // how many hosts are to have a certificate of a CA

	standIn          *pair
	defaultHost      string // folded
	unknownToDefault bool
}

// newSnapshot arranges a stock. Several pairs for one name are put in the order
// in which a client that supports them all gets them: ECDSA, which costs the
// server least, then others, then RSA; among equals the one that is valid
// longest, then the one that is configured first.
//
// A pair that has expired answers only for names that no valid one covers: a
// client may have been told to accept it, and there is nothing better. So does a
// pair that a CA has issued, for names that no valid file covers.
func newSnapshot(from stock, now time.Time) *snapshot {
	t := &snapshot{
		exact:    make(map[string][]*pair, len(from.issued)),
		wildcard: make(map[string][]*pair),
		standIn:  from.standIn,
	}
	ranked := slices.Clone(from.pairs)
	slices.SortStableFunc(ranked, preference)
	isExpired := func(p *pair) bool { return p.expired(now) }
	valid := slices.DeleteFunc(slices.Clone(ranked), isExpired)
	for _, p := range valid {
		t.add(p, p.names)
	}
	for host, p := range from.issued {
		if !t.valid(host, now) {
			t.exact[host] = []*pair{p}
		}
	}
	for _, p := range ranked {
		if isExpired(p) {
			t.add(p, slices.DeleteFunc(slices.Clone(p.names), func(name string) bool { return t.valid(name, now) }))
		}
	}
	t.nameless = from.nameless(t, valid, ranked)
	if from.unknownToDefault {
		t.unknown = t.nameless
	}
	return t
}

// nameless is who answers clients that name no host: default_host, or else what
// there is only one of.
func (from *stock) nameless(t *snapshot, valid, ranked []*pair) []*pair {
	switch {
	case from.defaultHost != "":
		exact, wild := t.lookup(from.defaultHost)
		return slices.Concat(exact, wild)
	case from.hosts == 1 && len(from.pairs) == 0:
		// One is to be had, be it there or not: with two hosts it must not be
		// the one that happens to be issued first.
		for _, p := range from.issued {
			return []*pair{p}
		}
		return nil
	case from.hosts > 0, !alike(from.pairs):
		return nil
	case len(valid) > 0:
		return valid
	}
	return ranked
}

// add makes p one more candidate for names.
func (t *snapshot) add(p *pair, names []string) {
	for _, name := range names {
		if parent, ok := wildcardParent(name); ok {
			t.wildcard[parent] = append(t.wildcard[parent], p)
		} else {
			t.exact[name] = append(t.exact[name], p)
		}
	}
}

// valid tells whether a pair that hasn't expired answers for a name, which may
// be a wildcard itself.
func (t *snapshot) valid(name string, now time.Time) bool {
	exact, wild := t.lookup(name)
	if parent, ok := wildcardParent(name); ok {
		exact, wild = nil, t.wildcard[parent]
	}
	return slices.ContainsFunc(slices.Concat(exact, wild), func(p *pair) bool { return !p.expired(now) })
}

// lookup returns the candidates for a folded name: those that hold just it,
// and those that cover it with a wildcard.
func (t *snapshot) lookup(name string) (exact, wild []*pair) {
	exact = t.exact[name]
	for i := range len(name) {
		if name[i] == '.' {
			// What stands before the dot must be a label that a wildcard matches.
			if len(t.wildcard) > 0 && validHost(name) {
				wild = t.wildcard[name[i+1:]]
			}
			break
		}
	}
	return exact, wild
}

// covers tells whether there is a certificate, not just the stand-in, for a
// folded name.
func (t *snapshot) covers(name string) bool {
	exact, wild := t.lookup(name)
	return len(exact)+len(wild) > 0
}

// preference orders two pairs for one name.
func preference(a, b *pair) int {
	return cmp.Or(
		cmp.Compare(keyRank(a.cert.Leaf), keyRank(b.cert.Leaf)),
		b.notAfter().Compare(a.notAfter()),
	)
}

// keyRank is low for keys that are to be preferred.
func keyRank(leaf *x509.Certificate) int {
	switch leaf.PublicKey.(type) {
	case *ecdsa.PublicKey:
		return 0
	case *rsa.PublicKey:
		return 2
	default:
		return 1
	}
}

// alike tells whether pairs are one certificate in the administrator's eyes:
// a single one, or several kinds of key for the very same names.
func alike(pairs []*pair) bool {
	for _, p := range pairs {
		if !slices.Equal(p.names, pairs[0].names) {
			return false
		}
	}
	return len(pairs) > 0
}
