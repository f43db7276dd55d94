package authz

import (
	"encoding/binary"
	"math"
	"testing"
	"time"
)

// taking is tokens that were taken.
type taking struct {
	at   time.Duration
	cost int
}

// FuzzBucket takes tokens at the times that the input says. Over any period no
// more than Count + period × Count/Per get through; what is left is never below
// zero nor above Count; looking changes nothing; and one that has rested for
// Per is full.
func FuzzBucket(f *testing.F) {
	f.Add(uint32(30), uint64(time.Minute), []byte{0, 0, 0, 1, 0, 0, 0, 1, 255, 255, 3, 9})
	f.Add(uint32(1), uint64(time.Hour), []byte{1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1})
	f.Add(uint32(1_000_000), uint64(time.Second), []byte{0, 0, 0, 255, 1, 0, 0, 255, 1, 0, 1, 255})
	f.Add(uint32(7), uint64(time.Minute), []byte{1, 1, 1, 3, 2, 2, 2, 3, 255, 255, 2, 3, 200, 100, 2, 2})
	f.Fuzz(func(t *testing.T, count uint32, per uint64, steps []byte) {
		if len(steps) > 4*100 {
			t.Skip("long inputs show no more")
		}
		r := Rate{Count: 1 + int(count%1_000_000), Per: 1 + time.Duration(per%uint64(24*time.Hour))}
		m, clock := remembering(1000)
		ctx, key := t.Context(), Key{Topic: loginsOfIP, Addr: addr("192.0.2.1")}
		var takings []taking
		for ; len(steps) >= 4; steps = steps[4:] {
			// From nanoseconds to more than what refills it.
			pass := time.Duration(float64(r.Per) * float64(binary.LittleEndian.Uint16(steps)) / math.Pow(2, float64(8*(steps[2]%6))))
			clock.pass(pass)
			cost := int(steps[3])
			if cost > 200 {
				cost = r.Count * (cost - 200) / 50 // up to a little more than all
			}
			before := m.Left(ctx, key, r)
			left, ok := m.Take(ctx, key, r, cost)
			switch {
			case left < 0 || left > float64(r.Count) || before < 0 || before > float64(r.Count):
				t.Fatalf("%v left, before that %v, of %d", left, before, r.Count)
			case ok != (before >= float64(cost)):
				t.Fatalf("%d of %v were given: %v", cost, before, ok)
			case !ok && left != before:
				t.Fatalf("%v left of %v, though nothing was given", left, before)
			case pass >= r.Per && before < float64(r.Count)*(1-1e-9):
				t.Fatalf("%v of %d after %v of %v", before, r.Count, pass, r.Per)
			}
			if ok {
				takings = append(takings, taking{time.Duration(clock.passed.Load()), cost})
			}
		}
		insistOnRate(t, r, takings)
	})
}

// insistOnRate looks at all periods that begin and end with a taking.
func insistOnRate(t *testing.T, r Rate, takings []taking) {
	t.Helper()
	for i, first := range takings {
		sum := 0
		for _, last := range takings[i:] {
			sum += last.cost
			period := last.at - first.at
			if most := float64(r.Count) + float64(period)*float64(r.Count)/float64(r.Per); float64(sum) > most*(1+1e-9)+1e-6 {
				t.Fatalf("%d in %v, at most %v at %+v", sum, period, most, r)
			}
		}
	}
}

// FuzzBucketRates changes the rate from step to step: what is left stays in
// bounds, a full bucket stays full, and an empty one empty.
func FuzzBucketRates(f *testing.F) {
	f.Add([]byte{10, 1, 0, 5, 100, 2, 0, 0, 1, 3, 1, 1, 255, 0, 0, 255})
	f.Fuzz(func(t *testing.T, steps []byte) {
		m, clock := remembering(1000)
		ctx, key := t.Context(), Key{Topic: failuresOfIP, Addr: addr("192.0.2.1")}
		units := []time.Duration{time.Second, time.Minute, 30 * time.Minute, time.Hour, 24 * time.Hour}
		full := 1.0
		for ; len(steps) >= 4 && len(steps) < 400; steps = steps[4:] {
			r := Rate{Count: 1 + int(steps[0])*int(steps[0]), Per: units[int(steps[1])%len(units)]}
			if now := m.Left(ctx, key, r) / float64(r.Count); math.Abs(now-full) > 1e-6 {
				t.Fatalf("%v full, under another rate %v", full, now)
			}
			clock.pass(time.Duration(steps[2]) * time.Second)
			left, _ := m.Take(ctx, key, r, int(steps[3]))
			full = left / float64(r.Count)
			if full < 0 || full > 1 {
				t.Fatalf("%v left of %d", left, r.Count)
			}
		}
	})
}
