package authz

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gaissmai/bart"
)

// Network is a named list of networks, written in the configuration, in a file,
// or both.
type Network struct {
	Name      string
	Addresses []netip.Prefix
	File      string // ""; none
}

// Networks finds the lists that an address is in. The files are read again by
// Refresh.
type Networks struct {
	// Settle is how long a file must be as it is before Refresh takes it: one
	// that is being written looks like a shorter one. Zero: not at all.
	Settle time.Duration

	lists []*networkList
}

// networkList is one list, and the trie that is made of it.
type networkList struct {
	Network
	trie atomic.Pointer[bart.Lite]
	sum  [sha256.Size]byte // of the file, as the trie has it; Refresh's alone
}

// Bounds of a file.
const (
	maxNetworkFile  = 64 << 20 // bytes
	maxNetworkLines = 1_000_000
)

// NewNetworks reads the lists. All problems are reported in one joined error.
func NewNetworks(list []Network) (*Networks, error) {
	n := new(Networks)
	var problems []error
	for _, network := range list {
		l := &networkList{Network: network}
		if _, err := l.read(); err != nil {
			problems = append(problems, err)
		}
		n.lists = append(n.lists, l)
	}
	return n, errors.Join(problems...)
}

// Of returns the names of the lists that an address is in, in the order of the
// configuration.
func (n *Networks) Of(addr netip.Addr) (names []string) {
	if n == nil || !addr.IsValid() {
		return nil
	}
	addr = addr.Unmap().WithZone("")
	for _, l := range n.lists {
		if trie := l.trie.Load(); trie != nil && trie.Contains(addr) {
			names = append(names, l.Name)
		}
	}
	return names
}

// Refresh reads the files again. It returns the names of the lists that have
// changed; what can't be read stays as it was and is part of the error. It is
// for one goroutine at a time.
func (n *Networks) Refresh() (changed []string, err error) {
	if n == nil {
		return nil, nil
	}
	var problems []error
	for _, l := range n.lists {
		if l.writing(n.Settle) {
			continue
		}
		news, err := l.read()
		if err != nil {
			problems = append(problems, err)
		}
		if news {
			changed = append(changed, l.Name)
		}
	}
	return changed, errors.Join(problems...)
}

// writing tells whether the file was written so short a time ago that it may not
// be whole yet.
func (l *networkList) writing(settle time.Duration) bool {
	info, err := os.Stat(l.File)
	if err != nil || settle <= 0 {
		return false
	}
	age := time.Since(info.ModTime())
	return 0 <= age && age < settle
}

// errEmptied is a list that held something and doesn't any more, which is a slip
// or a file that is being written rather than a wish.
var errEmptied = errors.New("it is empty now; write a comment into it if that is meant")

// read makes the trie anew if the file isn't as it was.
func (l *networkList) read() (changed bool, err error) {
	var content []byte
	if l.File != "" {
		if content, err = readBounded(l.File); err != nil {
			return false, fmt.Errorf("networks %q: %w", l.Name, err)
		}
	}
	sum := sha256.Sum256(content)
	if l.trie.Load() != nil && sum == l.sum {
		return false, nil
	}
	if l.trie.Load() != nil && len(content) == 0 && l.File != "" {
		return false, fmt.Errorf("networks %q: %s: %w", l.Name, l.File, errEmptied)
	}
	trie := new(bart.Lite)
	for _, p := range l.Addresses {
		trie.Insert(p)
	}
	if err := insertLines(trie, content); err != nil {
		return false, fmt.Errorf("networks %q: %s %w", l.Name, l.File, err)
	}
	l.sum = sum
	l.trie.Store(trie)
	return true, nil
}

// readBounded reads a whole file.
func readBounded(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: not a regular file", path)
	case info.Size() > maxNetworkFile:
		return nil, fmt.Errorf("%s: larger than %d bytes", path, maxNetworkFile)
	}
	return os.ReadFile(path)
}

// insertLines reads one network or address a line; # begins a comment.
func insertLines(trie *bart.Lite, content []byte) error {
	lines := bufio.NewScanner(bytes.NewReader(content))
	n := 1
	for ; lines.Scan(); n++ {
		if n > maxNetworkLines {
			return fmt.Errorf("line %d: there are more than %d lines", n, maxNetworkLines)
		}
		text, _, _ := strings.Cut(lines.Text(), "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		p, err := parseNetwork(text)
		if err != nil {
			return fmt.Errorf("line %d: %.60q is no network: write one such as 192.0.2.0/24", n, text)
		}
		trie.Insert(p)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("line %d: %w", n, err)
	}
	return nil
}

// parseNetwork reads a network or a single address. Bits behind the prefix are
// taken as zero, as lists of others have them now and then. IPv4 written as IPv6 is
// IPv4, as that is how clients' addresses are compared.
func parseNetwork(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, err
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), nil
}
