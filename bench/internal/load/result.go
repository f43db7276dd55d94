package load

import (
	"math"
	"slices"
	"time"
)

// Result is what one run of operations took.
type Result struct {
	Operations int
	Octets     int64 // received as replies to RETR; 0 where none was sent
	Wall       time.Duration
	sorted     []time.Duration
}

func newResult(wall time.Duration, latencies []time.Duration) Result {
	slices.Sort(latencies)
	return Result{Operations: len(latencies), Wall: wall, sorted: latencies}
}

// PerSecond is the operations finished in a second of wall time.
func (r Result) PerSecond() float64 { return float64(r.Operations) / r.Wall.Seconds() }

// Percentile is the shortest time within which p per cent of the operations
// were done (nearest rank), 0 < p <= 100; 0 where there were none.
func (r Result) Percentile(p float64) time.Duration {
	if len(r.sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(p / 100 * float64(len(r.sorted))))
	return r.sorted[min(max(rank, 1), len(r.sorted))-1]
}
