package metrics

import "testing"

// TestReloads: whether the last one was refused can be seen until one is not,
// and the first refusal is a step from 0.
func TestReloads(t *testing.T) {
	m := New()
	check := func(fresh, refused float64) {
		t.Helper()
		got := series(t, m)
		if got["popgate_config_last_reload_successful"] != fresh {
			t.Errorf("fresh is %v, want %v", got["popgate_config_last_reload_successful"], fresh)
		}
		if n, shown := got["popgate_reloads_total{result=error}"]; n != refused || !shown {
			t.Errorf("refused are %v, want %v", n, refused)
		}
	}
	m.ConfigLoaded(began)
	check(1, 0)
	m.Reloaded("error")
	check(0, 1)
	m.ConfigLoaded(moment)
	m.Reloaded("ok")
	check(1, 1)
}

// TestReady: asked at each look, and shown only once it can be asked.
func TestReady(t *testing.T) {
	m := New()
	if _, shown := series(t, m)["popgate_ready"]; shown {
		t.Error("shown, and nobody can know")
	}
	ready := false
	m.Ready(func() bool { return ready })
	for _, want := range []float64{0, 1} {
		if got, shown := series(t, m)["popgate_ready"]; got != want || !shown {
			t.Errorf("ready is %v, want %v", got, want)
		}
		ready = true
	}
}

// TestHandshakeTimes: those that did not come about have none.
func TestHandshakeTimes(t *testing.T) {
	m := New()
	m.Handshake(Handshake{Result: "handshake_timeout", Took: 10_000_000_000})
	got := series(t, m)
	if got["popgate_tls_handshakes_total{cipher=,result=handshake_timeout,resumed=false,version=}"] != 1 {
		t.Error("it isn't counted")
	}
	if got["popgate_tls_handshake_duration_seconds count"] != 0 {
		t.Error("its time is")
	}
}
