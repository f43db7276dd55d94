package metrics

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestLoginHistory: sixty minutes, whole ones, the last is now's.
func TestLoginHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New()
		check := func(what string, want map[int]LoginMinute) {
			t.Helper()
			list := m.LoginHistory(time.Now())
			if len(list) != 60 {
				t.Fatalf("%s: %d minutes", what, len(list))
			}
			for i, got := range list {
				expected := want[i]
				expected.Start = time.Now().UTC().Truncate(time.Minute).Add(time.Duration(i-59) * time.Minute)
				if got != expected {
					t.Errorf("%s: minute %d is %v, want %v", what, i, got, expected)
				}
			}
		}
		check("nothing", nil)

		time.Sleep(59 * time.Second)
		m.Login(Login{Mechanism: "USER", Result: "ok"})
		m.Login(Login{Mechanism: "USER", Result: "refused", Reason: "no_route"})
		check("at once", map[int]LoginMinute{59: {OK: 1, Refused: 1}})

		time.Sleep(time.Second)
		m.Login(Login{Mechanism: "USER", Result: "error", Reason: "backend_unreachable"})
		m.Login(Login{Mechanism: "PLAIN", Result: "ok"})
		check("the next minute", map[int]LoginMinute{58: {OK: 1, Refused: 1}, 59: {OK: 1, Error: 1}})

		time.Sleep(58 * time.Minute)
		check("almost an hour later", map[int]LoginMinute{0: {OK: 1, Refused: 1}, 1: {OK: 1, Error: 1}})

		time.Sleep(time.Minute)
		check("an hour later", map[int]LoginMinute{0: {OK: 1, Error: 1}})
		m.Login(Login{Mechanism: "USER", Result: "ok"})
		check("the ring is closed", map[int]LoginMinute{0: {OK: 1, Error: 1}, 59: {OK: 1}})

		time.Sleep(24 * time.Hour)
		check("a day later", nil)
	})
}

// TestLoginHistoryWithAnotherClock: one that is set back, or stands before 1970,
// makes no noise.
func TestLoginHistoryWithAnotherClock(t *testing.T) {
	var h history
	late := time.Date(2026, 3, 2, 8, 0, 30, 0, time.FixedZone("", 3600))
	h.note(late, "ok")
	early := late.Add(-time.Hour)
	h.note(early, "refused")
	if got := h.until(early)[59]; got.Refused != 1 || got.OK != 0 || got.Start.Location() != time.UTC {
		t.Errorf("after it was set back: %v", got)
	}
	if got := h.until(late)[59]; got.OK != 0 {
		t.Errorf("the other one: %v", got)
	}
	ancient := time.Time{}.Add(time.Minute)
	h.note(ancient, "error")
	if got := h.until(ancient)[59]; got.Error != 1 {
		t.Errorf("long ago: %v", got)
	}
}

// TestFirstLoginIsAStep: what counts logins that succeed is there before the first.
func TestFirstLoginIsAStep(t *testing.T) {
	shown := series(t, New())
	for _, mechanism := range []string{"USER", "PLAIN", "LOGIN"} {
		if n, there := shown["popgate_logins_total{mechanism="+mechanism+",reason=,result=ok}"]; !there || n != 0 {
			t.Errorf("%s: %v, %v", mechanism, n, there)
		}
	}
}
