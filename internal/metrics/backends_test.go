package metrics

import (
	"strings"
	"testing"
	"time"
)

// of counts the series with a backend's label.
func of(t *testing.T, m *Metrics, backend string) (n int) {
	t.Helper()
	for key := range series(t, m) {
		if strings.Contains(key, "backend="+backend+"}") || strings.Contains(key, "backend="+backend+",") {
			n++
		}
	}
	return n
}

// visit is a session at a backend; its end is returned.
func visit(m *Metrics, backend string) (end func()) {
	end = m.BackendTaken(backend)
	m.Dialed(backend, "backend_unreachable")
	m.Dialed(backend, "ok")
	m.BackendUp(backend, true)
	m.BackendAnswered(backend, time.Second)
	return end
}

// TestBackendsGoWithTheirLastSession: what a reload takes away keeps its series
// as long as somebody is there, and those who come late don't bring them back
// for good.
func TestBackendsGoWithTheirLastSession(t *testing.T) {
	m := New()
	visit(m, "before")()
	if of(t, m, "before") == 0 {
		t.Error("nothing is configured yet, and it is forgotten already")
	}
	m.Backends([]string{"old", "stays"})
	if n := of(t, m, "before"); n != 0 {
		t.Errorf("before: %d series", n)
	}
	first, second := visit(m, "old"), visit(m, "old")
	visit(m, "stays")()
	m.Backends([]string{"stays", "new"})
	first()
	if series(t, m)["popgate_backend_sessions{backend=old}"] != 1 {
		t.Error("forgotten while somebody is there")
	}
	second()
	if n := of(t, m, "old"); n != 0 {
		t.Errorf("old: %d series", n)
	}
	late := visit(m, "old") // a session that was born before the reload
	if of(t, m, "old") == 0 {
		t.Error("late: nothing")
	}
	late()
	for name, want := range map[string]int{"old": 0, "stays": 7, "new": 2} {
		if n := of(t, m, name); n != want {
			t.Errorf("%s: %d series, want %d", name, n, want)
		}
	}
}

// TestBackendsTakenAwayAndBack: it begins anew where it was forgotten.
func TestBackendsTakenAwayAndBack(t *testing.T) {
	m := New()
	m.Backends([]string{"a"})
	end := visit(m, "a")
	m.Backends(nil)
	m.Backends([]string{"a"})
	end()
	if got := series(t, m)["popgate_backend_dials_total{backend=a,result=ok}"]; got != 1 {
		t.Errorf("%v connections, want 1: it was in use all the time", got)
	}
	m.BackendUp("a", false)
	if got := series(t, m)["popgate_backend_up{backend=a}"]; got != 0 {
		t.Errorf("up is %v", got)
	}
}

// TestDrainedBackends: a drain outlives reloads, also one that takes the backend
// away, and shows no backend that isn't there.
func TestDrainedBackends(t *testing.T) {
	m := New()
	const key = "popgate_backend_draining{backend=a}"
	m.Backends([]string{"a", "b"})
	for i, step := range []struct {
		do    func()
		want  float64
		shown bool
	}{
		{func() {}, 0, true},
		{func() { m.BackendDraining("a", true) }, 1, true},
		{func() { m.Backends([]string{"a"}) }, 1, true},
		{func() { m.Backends([]string{"b"}) }, 0, false},
		{func() { m.BackendDraining("a", true) }, 0, false},
		{func() { m.Backends([]string{"a"}) }, 1, true},
		{func() { m.BackendTaken("a")() }, 1, true},
		{func() { m.BackendDraining("a", false) }, 0, true},
	} {
		step.do()
		if got, shown := series(t, m)[key]; got != step.want || shown != step.shown {
			t.Errorf("step %d: %v, %v", i, got, shown)
		}
	}
}
