package admin

import (
	"fmt"
	"math"
	"testing"
	"time"
)

// TestLoginChart: a minute stands where it belongs, nothing leaves the chart,
// and nothing that happened is too small to be seen.
func TestLoginChart(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 30, 0, time.UTC)
	minute := func(before int, ok, refused, failed uint64) LoginMinute {
		return LoginMinute{Start: now.Truncate(time.Minute).Add(time.Duration(-before) * time.Minute), OK: ok, Refused: refused, Error: failed}
	}
	for name, tt := range map[string]struct {
		minutes          []LoginMinute
		top, most, total uint64
		at               string
		bars             string
	}{
		"nothing": {nil, 1, 0, 0, "", "[]"},
		"zeros":   {[]LoginMinute{minute(3, 0, 0, 0)}, 1, 0, 0, "", "[]"},
		"now":     {[]LoginMinute{minute(0, 5, 0, 0)}, 5, 5, 5, "12:00", "[{591 8 12:00: 5 ok, 0 refused, 0 errors [{ok 0 1000}]}]"},
		"first":   {[]LoginMinute{minute(59, 0, 1, 0)}, 1, 1, 1, "11:01", "[{1 8 11:01: 0 ok, 1 refused, 0 errors [{refused 0 1000}]}]"},
		"outside": {[]LoginMinute{minute(60, 9, 9, 9), minute(-1, 9, 9, 9)}, 1, 0, 0, "", "[]"},
		"stacked": {[]LoginMinute{minute(1, 50, 30, 10)}, 100, 90, 90, "11:59",
			"[{581 8 11:59: 50 ok, 30 refused, 10 errors [{ok 500 500} {refused 200 300} {error 100 100}]}]"},
		"one error among many": {[]LoginMinute{minute(1, 9999, 0, 1)}, 10000, 10000, 10000, "11:59",
			"[{581 8 11:59: 9,999 ok, 0 refused, 1 errors [{ok 20 980} {error 0 20}]}]"},
	} {
		c := newLoginChart(tt.minutes, now)
		if bars := fmt.Sprint(c.Bars); c.Top != tt.top || c.Most != tt.most || c.Total() != tt.total || c.MostAt != tt.at || bars != tt.bars {
			t.Errorf("%s: top %d, most %d at %q, %d in all\n%s", name, c.Top, c.Most, c.MostAt, c.Total(), bars)
		}
	}
}

func TestRoundUp(t *testing.T) {
	for n, want := range map[uint64]uint64{0: 1, 1: 1, 2: 2, 3: 5, 6: 10, 10: 10, 11: 20, 4999: 5000, 5001: 10000, math.MaxUint64: math.MaxUint64} {
		if got := roundUp(n); got != want {
			t.Errorf("%d: %d, want %d", n, got, want)
		}
	}
}

func TestPageTexts(t *testing.T) {
	for got, want := range map[string]string{
		count(0): "0", count(-3): "-3", count(999): "999", count(-1000): "-1,000", count(-100): "-100", count(1234567): "1,234,567",
		octets(int64(1023)): "1023 B", octets(int64(1536)): "1.5 KiB", octets(uint64(5 << 30)): "5.0 GiB", octets(uint64(3 << 40)): "3.0 TiB",
		few([]string{"a", "b", "c"}): "a, b, c", few([]string{"a", "b", "c", "d", "e"}): "a, b, c and 2 more",
		rough(-time.Second): "0 s", rough(59 * time.Second): "59 s", rough(47 * time.Hour): "47 h", rough(50 * time.Hour): "2 d",
		words("logged_in"): "logged in", sign("something new"): signBad,
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	p := &page{Status: Status{Time: now}}
	for ago, want := range map[time.Duration]string{5 * time.Second: "5 s", 3*time.Hour + 5*time.Minute: "3 h 5 min", 75*time.Hour + time.Minute: "3 d 3 h"} {
		if p.Started = now.Add(-ago); p.Uptime() != want {
			t.Errorf("%v: %q", ago, p.Uptime())
		}
	}
	for v, want := range map[any]moment{
		time.Time{}: {}, (*time.Time)(nil): {},
		now.Add(-90 * time.Second):                         {"2026-03-01T11:58:30Z", "11:58:30", "1 min ago"},
		now.In(time.FixedZone("", 14*3600)).Add(time.Hour): {"2026-03-01T13:00:00Z", "13:00:00", "in 1 h"},
		now.AddDate(0, 0, 3):                               {"2026-03-04T12:00:00Z", "2026-03-04 12:00", "in 3 d"},
	} {
		if got := p.At(v); got != want {
			t.Errorf("%v: %+v", v, got)
		}
	}
}
