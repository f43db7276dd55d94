package admin

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// newPage puts a status in the order in which it is shown: problems first.
func newPage(status Status, trusted bool) *page {
	p := &page{Style: pageStyle, Script: pageScript, Status: status, Trusted: trusted, Chart: newLoginChart(status.Logins, status.Time)}
	p.addCounts()
	p.addBackends()
	p.addCertificates()
	p.Problems = append(p.ownProblems(), append(p.backendProblems(), p.certificateProblems()...)...)
	return p
}

// addCounts adds up sessions by listener and by tenant.
func (p *page) addCounts() {
	listeners, tenants := make(tally), make(tally)
	for _, c := range p.Sessions {
		p.Open += c.Open
		if c.State == SessionLoggedIn {
			p.LoggedIn += c.Open
		}
		listeners.add(c.Listener, c)
		if c.Tenant != "" {
			tenants.add(c.Tenant, c)
		}
	}
	p.Listeners, p.Tenants = listeners.rows(), tenants.rows()
}

// tally counts sessions by a name.
type tally map[string]*pageCount

func (t tally) add(name string, c SessionCount) {
	if t[name] == nil {
		t[name] = &pageCount{Name: name}
	}
	if c.State == SessionLoggedIn {
		t[name].LoggedIn += c.Open
	} else {
		t[name].BeforeLogin += c.Open
	}
}

// rows lists the counts, the largest first.
func (t tally) rows() rows[pageCount] {
	var all []pageCount
	for _, c := range t {
		all = append(all, *c)
	}
	slices.SortFunc(all, func(a, b pageCount) int {
		return cmp.Or(cmp.Compare(b.Total(), a.Total()), cmp.Compare(a.Name, b.Name))
	})
	return firstOf(all)
}

// order is where a state stands in a table.
func order(states ...string) func(string) int {
	return func(state string) int { return slices.Index(states, state) } // an unknown one first
}

var (
	backendOrder     = order(BackendDown, BackendDraining, BackendUp, BackendUnused)
	certificateOrder = order(StateMissing, StateExpired, StateExpiring, StateOrdering, StateValid)
)

func (p *page) addBackends() {
	list := slices.Clone(p.Backends)
	slices.SortStableFunc(list, func(a, b Backend) int { return cmp.Compare(backendOrder(a.State), backendOrder(b.State)) })
	for _, b := range list {
		if b.State == BackendUp {
			p.BackendsUp++
		}
	}
	p.BackendRows = firstOf(list)
}

func (p *page) addCertificates() {
	list := slices.Clone(p.Certificates)
	slices.SortStableFunc(list, func(a, b Certificate) int {
		return cmp.Or(cmp.Compare(certificateOrder(a.State), certificateOrder(b.State)), cmp.Compare(daysLeft(a), daysLeft(b)))
	})
	for _, c := range list {
		if c.State == StateValid {
			p.CertificatesOK++
		}
	}
	p.CertificateRows = firstOf(list)
}

// daysLeft is 0 for a certificate that isn't there.
func daysLeft(c Certificate) int {
	if c.DaysLeft == nil {
		return 0
	}
	return *c.DaysLeft
}

func (p *page) addBlocks(all []Block) {
	p.BlockRows = firstOf(all)
	p.BlockRows.List = slices.Clone(p.BlockRows.List)
	for i, b := range p.BlockRows.List {
		if !p.Trusted {
			b.User = ""
		}
		p.BlockRows.List[i] = b.Printable()
	}
}

// addSessions takes the latest sessions out of all, which begin with the oldest.
func (p *page) addSessions(all []Session) {
	latest := slices.Clone(all[max(0, len(all)-maxRows):])
	slices.Reverse(latest)
	for i := range latest {
		if !p.Trusted {
			latest[i].User = ""
		}
		latest[i] = latest[i].Printable()
	}
	p.SessionRows = rows[Session]{List: latest, More: len(all) - len(latest)}
}

// ownProblems are those of popgate itself.
func (p *page) ownProblems() []pageProblem {
	var list []pageProblem
	for _, reason := range p.Reasons {
		list = append(list, pageProblem{"process", "Not ready: " + reason})
	}
	if !p.Ready && len(list) == 0 {
		list = append(list, pageProblem{"process", "Not ready"})
	}
	if last := p.LastReload; last != nil && !last.OK {
		list = append(list, pageProblem{"process", last.refused()})
	}
	// From nine tenths on, an hour with more mail than usual may be too much.
	if p.Connections > 0 && p.Open >= p.Connections-p.Connections/10 {
		list = append(list, pageProblem{"sessions", fmt.Sprintf("%s of %s possible sessions are open", count(p.Open), count(p.Connections))})
	}
	return list
}

func (p *page) backendProblems() []pageProblem {
	var down, full []string
	for _, b := range p.Backends {
		if b.State == BackendDown {
			down = append(down, b.Name)
		}
		if b.Connections > 0 && b.Sessions >= b.Connections {
			full = append(full, b.Name)
		}
	}
	return slices.Concat(naming("backends", "down", down), naming("backends", "full", full))
}

func (p *page) certificateProblems() []pageProblem {
	byState := make(map[string][]string)
	for _, c := range p.Certificates {
		byState[c.State] = append(byState[c.State], c.Name)
	}
	var list []pageProblem
	for _, state := range []string{StateMissing, StateExpired, StateExpiring} {
		list = append(list, naming("certificates", state, byState[state])...)
	}
	return list
}

// naming says of which ones something is wrong, in one line.
func naming(where, what string, names []string) []pageProblem {
	if len(names) == 0 {
		return nil
	}
	are := where + " are " // backends, certificates
	if len(names) == 1 {
		are = strings.TrimSuffix(where, "s") + " is "
	}
	return []pageProblem{{where, fmt.Sprintf("%s %s%s: %s", count(len(names)), are, what, few(names))}}
}

// Heading is the state in a few words.
func (p *page) Heading() string {
	switch n := len(p.Problems); {
	case !p.Ready:
		return "Not ready"
	case n == 0:
		return "Ready"
	case n == 1:
		return "Ready, 1 problem"
	default:
		return "Ready, " + count(n) + " problems"
	}
}

// Sign is the sign of the whole; see sign.
func (p *page) Sign() string {
	switch {
	case !p.Ready:
		return signBad
	case len(p.Problems) > 0:
		return signWarn
	}
	return signGood
}
