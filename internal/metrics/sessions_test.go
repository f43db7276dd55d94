package metrics

import (
	"fmt"
	"slices"
	"sync"
	"testing"
)

// TestSessionsAreClosedWhereTheyWereOpened: whatever is configured meanwhile,
// and however often a session is closed, each series ends at 0.
func TestSessionsAreClosedWhereTheyWereOpened(t *testing.T) {
	m := New()
	m.Tenants([]string{"acme"})
	acme, early := m.SessionOpened("logged_in", "pop3s", "acme"), m.SessionOpened("logged_in", "pop3s", "late")
	m.Tenants([]string{"late"})
	late, none := m.SessionOpened("logged_in", "pop3s", "late"), m.SessionOpened("logged_in", "pop3s", "")
	m.Tenants(nil)
	want := []SessionCount{
		{"logged_in", "pop3s", "", 1}, {"logged_in", "pop3s", "acme", 1}, {"logged_in", "pop3s", "late", 1}, {"logged_in", "pop3s", "other", 1},
	}
	if got := m.Sessions(); !slices.Equal(got, want) {
		t.Errorf("open are %v, want %v", got, want)
	}
	for _, open := range []*OpenSession{&acme, &early, &late, &none, &early, new(OpenSession)} {
		open.Close()
	}
	for _, count := range m.Sessions() {
		if count.Open != 0 {
			t.Errorf("at the end: %v", count)
		}
	}
	if got := len(m.Sessions()); got != len(want) {
		t.Errorf("%d series at the end, want %d", got, len(want))
	}
}

// TestTenantsAreBounded: the first 200 that are ever configured have labels of
// their own, those of later configurations too, as far as there is room.
func TestTenantsAreBounded(t *testing.T) {
	m := New()
	names := func(kind string, n int) (list []string) {
		for i := range n {
			list = append(list, fmt.Sprint(kind, i))
		}
		return list
	}
	m.Tenants(names("a", 150))
	m.Tenants(slices.Concat(names("a", 150), names("b", 150)))
	for _, name := range slices.Concat(names("a", 150), names("b", 150), names("stranger", 1000)) {
		m.SessionOpened("logged_in", "pop3s", name)
	}
	counts := make(map[string]int)
	for _, c := range m.Sessions() {
		counts[c.Tenant] = c.Open
	}
	if len(counts) != 201 || counts["a149"] != 1 || counts["b49"] != 1 || counts["other"] != 1100 {
		t.Errorf("%d tenants, a149 %d, b49 %d, other %d", len(counts), counts["a149"], counts["b49"], counts["other"])
	}
}

// TestSessionsComeAndGoTogether, with labels that become known meanwhile: under
// the race detector, and nothing is lost.
func TestSessionsComeAndGoTogether(t *testing.T) {
	m := New()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			name := fmt.Sprint("t", i%4)
			for range 200 {
				open := m.SessionOpened("before_login", "pop3s", "")
				open.Close()
				open = m.SessionOpened("logged_in", "pop3s", name)
				m.Tenants([]string{name})
				_ = m.Sessions()
				open.Close()
			}
		})
	}
	all.Wait()
	for _, count := range m.Sessions() {
		if count.Open != 0 {
			t.Errorf("at the end: %v", count)
		}
	}
}
