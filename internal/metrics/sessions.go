package metrics

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// maxTenants is how many tenants get a label of their own, at most, as long as
// the process lives: each is a series for each listener. otherTenants stands
// for the rest of them, and for a tenant that is called so.
const (
	maxTenants   = 200
	otherTenants = "other"
)

// sessions are the numbers of open sessions. A series that was there once stays,
// so that nobody takes the end of its last session for a popgate that is gone.
type sessions struct {
	desc *prometheus.Desc

	mu      sync.RWMutex
	tenants map[string]bool // with a label of their own
	open    map[sessionKey]*atomic.Int64
}

type sessionKey struct{ state, listener, tenant string }

func newSessions() *sessions {
	return &sessions{
		desc: prometheus.NewDesc(namespace+"_sessions", "Sessions open now, by state, listener and, once logged in, tenant.",
			[]string{"state", "listener", "tenant"}, nil),
		tenants: make(map[string]bool),
		open:    make(map[sessionKey]*atomic.Int64),
	}
}

// Tenants gives the configured tenants labels of their own, in the order of the
// configuration as far as they go: 200 at most in a process's life. All others
// are "other". What is open is not counted anew.
func (m *Metrics) Tenants(names []string) {
	s := m.sessions
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		if len(s.tenants) == maxTenants {
			return
		}
		s.tenants[name] = true
	}
}

// OpenSession is a session as it is counted among the open ones. The zero value
// is none.
type OpenSession struct{ count *atomic.Int64 }

// Close counts the session out where it was counted in, whatever was configured
// meanwhile. A second time does nothing.
func (o *OpenSession) Close() {
	if o.count != nil {
		o.count.Add(-1)
		o.count = nil
	}
}

// SessionOpened counts a session in state "before_login" or "logged_in" until it
// is closed. tenant is "" before login, and for users of none.
func (m *Metrics) SessionOpened(state, listener, tenant string) OpenSession {
	count := m.sessions.count(state, listener, tenant)
	count.Add(1)
	return OpenSession{count}
}

// count finds the count of sessions like this one.
func (s *sessions) count(state, listener, tenant string) *atomic.Int64 {
	s.mu.RLock()
	key := s.key(state, listener, tenant)
	count := s.open[key]
	s.mu.RUnlock()
	if count != nil {
		return count
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key = s.key(state, listener, tenant)
	if count = s.open[key]; count == nil {
		count = new(atomic.Int64)
		s.open[key] = count
	}
	return count
}

// key needs the lock.
func (s *sessions) key(state, listener, tenant string) sessionKey {
	if tenant != "" && !s.tenants[tenant] {
		tenant = otherTenants
	}
	return sessionKey{state, listener, tenant}
}

// SessionCount is how many sessions are open that are alike.
type SessionCount struct {
	State    string // "before_login" or "logged_in"
	Listener string
	Tenant   string // "other" without a label of its own, "" for none
	Open     int
}

// Sessions are the counts of open sessions, by state, listener and tenant, also
// those that are 0 again.
func (m *Metrics) Sessions() []SessionCount {
	s := m.sessions
	s.mu.RLock()
	list := make([]SessionCount, 0, len(s.open))
	for key, count := range s.open {
		list = append(list, SessionCount{key.state, key.listener, key.tenant, int(count.Load())})
	}
	s.mu.RUnlock()
	slices.SortFunc(list, func(a, b SessionCount) int {
		return cmp.Or(cmp.Compare(a.State, b.State), cmp.Compare(a.Listener, b.Listener), cmp.Compare(a.Tenant, b.Tenant))
	})
	return list
}

// Describe is for the registry.
func (s *sessions) Describe(to chan<- *prometheus.Desc) { to <- s.desc }

// Collect is for the registry.
func (s *sessions) Collect(to chan<- prometheus.Metric) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for key, count := range s.open {
		to <- prometheus.MustNewConstMetric(s.desc, prometheus.GaugeValue, float64(count.Load()), key.state, key.listener, key.tenant)
	}
}
