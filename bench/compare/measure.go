package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"popgate/bench/internal/load"
	"popgate/bench/internal/proc"
)

// reading is all clocks at one moment.
type reading struct {
	at    time.Time
	proxy proc.Usage // the proxy's tree
	ours  proc.Usage // this process's tree: the generator, the backend and every proxy
	busy  time.Duration
}

func read(proxy int) (reading, error) {
	r := reading{at: time.Now()}
	var err error
	if r.proxy, err = proc.CPU(proxy); err != nil {
		return reading{}, err
	}
	if r.ours, err = proc.CPU(os.Getpid()); err != nil {
		return reading{}, err
	}
	r.busy, err = proc.Busy()
	return r, err
}

// measure runs do between two readings, each taken when the proxy is at rest:
// what it still does behind the last operation belongs to the operations.
func (b *bench) measure(ctx context.Context, w work, r row, do func() (load.Result, error)) (sample, error) {
	pid := r.server.process.pid()
	before, err := rest(ctx, pid)
	if err != nil {
		return sample{}, err
	}
	result, err := do()
	if err != nil {
		return sample{}, err
	}
	after, err := rest(ctx, pid)
	if err != nil {
		return sample{}, err
	}
	used := after.proxy.Sub(before.proxy)
	return sample{
		Kind: kindRound, Time: after.at.UTC(), Work: w.name, Row: r.name, Peer: r.server.peer.name,
		Operations: result.Operations, Octets: result.Octets, Wall: result.Wall.Seconds(),
		User: used.User.Seconds(), System: used.System.Seconds(),
		CPU: w.perUnit(used, result), Unit: w.unit(), Rate: w.rate(result),
		P50: milliseconds(result.Percentile(50)), P99: milliseconds(result.Percentile(99)),
		Foreign: foreign(before, after, runtime.NumCPU()),
	}, nil
}

// rest waits until the proxy is idle for a while, or for long enough.
func rest(ctx context.Context, pid int) (reading, error) {
	const (
		pause  = 25 * time.Millisecond
		idling = 500 * time.Microsecond // of CPU time between two readings: timers, no work
		quiet  = 4                      // such readings in a row
		atMost = 80
	)
	last, err := read(pid)
	for same, n := 0, 0; err == nil && same < quiet && n < atMost; n++ {
		if err := wait(ctx, pause); err != nil {
			return reading{}, err
		}
		var now reading
		now, err = read(pid)
		same++
		if now.proxy.Total-last.proxy.Total > idling {
			same = 0
		}
		last = now
	}
	if err != nil {
		return reading{}, fmt.Errorf("read CPU time: %w", err)
	}
	return last, nil
}

// foreign is the share of all cores that went to programs that aren't ours.
func foreign(before, after reading, cores int) float64 {
	others := (after.busy - before.busy) - after.ours.Sub(before.ours).Total
	return max(0, others.Seconds()/(after.at.Sub(before.at).Seconds()*float64(cores)))
}

// wait waits, but not beyond the end of ctx.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// systemName is the distribution's name, or "" if it has none.
func systemName() string {
	text, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "PRETTY_NAME="); ok {
			return strings.Trim(strings.TrimSpace(name), `"`)
		}
	}
	return ""
}
