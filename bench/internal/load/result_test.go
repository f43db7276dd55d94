package load

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"
)

func TestPercentileIsTheNearestRank(t *testing.T) {
	ms := func(values ...int) []time.Duration {
		d := make([]time.Duration, len(values))
		for i, v := range values {
			d[i] = time.Duration(v) * time.Millisecond
		}
		return d
	}
	hundred := make([]int, 100)
	for i := range hundred {
		hundred[i] = 100 - i
	}
	for _, test := range []struct {
		name   string
		values []time.Duration
		p      float64
		want   int // ms
	}{
		{"none", nil, 50, 0},
		{"one, median", ms(7), 50, 7},
		{"one, p99", ms(7), 99, 7},
		{"unsorted", ms(5, 1, 3), 50, 3},
		{"even number", ms(4, 3, 2, 1), 50, 2},
		{"p99 of three", ms(1, 2, 3), 99, 3},
		{"median of a hundred", ms(hundred...), 50, 50},
		{"p99 of a hundred", ms(hundred...), 99, 99},
		{"p100 of a hundred", ms(hundred...), 100, 100},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := time.Duration(test.want) * time.Millisecond
			if got := newResult(time.Second, test.values).Percentile(test.p); got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

func TestPerSecond(t *testing.T) {
	if got := newResult(500*time.Millisecond, make([]time.Duration, 20)).PerSecond(); got != 40 {
		t.Errorf("got %v, want 40", got)
	}
}

func TestEachRunsExactlySoManyTimes(t *testing.T) {
	for _, test := range []struct{ workers, times int }{{1, 5}, {4, 100}, {8, 3}, {3, 0}} {
		var ran atomic.Int64
		r, err := each(t.Context(), test.workers, test.times, func(_ context.Context, worker int) error {
			if worker < 0 || worker >= test.workers {
				t.Errorf("worker %d of %d", worker, test.workers)
			}
			ran.Add(1)
			return nil
		})
		if err != nil || ran.Load() != int64(test.times) || r.Operations != test.times {
			t.Errorf("%+v: ran %d, result %d, %v", test, ran.Load(), r.Operations, err)
		}
	}
}

func TestEachReturnsTheFirstErrorAndStops(t *testing.T) {
	broken := errors.New("broken")
	var ran atomic.Int64
	_, err := each(t.Context(), 1, 1000, func(context.Context, int) error {
		if ran.Add(1) == 3 {
			return broken
		}
		return nil
	})
	if !errors.Is(err, broken) || ran.Load() != 3 {
		t.Errorf("ran %d times, %v", ran.Load(), err)
	}
}

func TestEachEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, err := each(ctx, 2, 1000, func(ctx context.Context, _ int) error {
		cancel()
		<-ctx.Done()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}
