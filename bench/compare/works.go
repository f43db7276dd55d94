package main

import (
	"context"

	"popgate/bench/internal/load"
	"popgate/bench/internal/proc"
)

// work is one kind of load that is measured.
type work struct {
	name    string // for --only
	title   string // for the table
	message int    // number of the message that is fetched; 0: whole sessions
	atOnce  int    // connections
	times   int    // operations in a round at scale 1
}

// works are measured in this order. Their operations cost a proxy about a
// tenth of a second to two seconds of CPU in a round.
var works = []work{
	{name: "session", title: "session: TLS 1.3 full handshake, USER, PASS, STAT, QUIT", atOnce: 32, times: 3000},
	{name: "retr4k", title: "RETR 4 KiB", message: 1, atOnce: 32, times: 16384},
	{name: "retr64k", title: "RETR 64 KiB", message: 2, atOnce: 8, times: 4096},
	{name: "retr10m", title: "RETR 10 MiB", message: 3, atOnce: 8, times: 128},
}

// idle is chosen like a work, but measures memory.
const idle = "idle"

// sessions reports whether an operation is a whole session.
func (w work) sessions() bool { return w.message == 0 }

// unit is what the CPU time of the table is per.
func (w work) unit() string {
	if w.sessions() {
		return "µs/session"
	}
	return "s/GiB"
}

// perUnit divides CPU time by the work done.
func (w work) perUnit(used proc.Usage, r load.Result) float64 {
	if w.sessions() {
		return float64(used.Total.Microseconds()) / float64(r.Operations)
	}
	return used.Total.Seconds() / (float64(r.Octets) / (1 << 30))
}

// rate is sessions a second, or megabytes (10^6 octets) a second.
func (w work) rate(r load.Result) float64 {
	if w.sessions() {
		return r.PerSecond()
	}
	return float64(r.Octets) / 1e6 / r.Wall.Seconds()
}

// run does the work once. What is measured is done by measure's argument;
// logging in for RETR and the QUITs behind it stay outside.
func (w work) run(ctx context.Context, t load.Target, times int, measure func(func() (load.Result, error)) error) error {
	if w.sessions() {
		return measure(func() (load.Result, error) { return load.Sessions(ctx, t, w.atOnce, times) })
	}
	pool, err := load.Open(ctx, t, w.atOnce)
	if err != nil {
		return err
	}
	if err := measure(func() (load.Result, error) { return pool.Retrieve(ctx, w.message, times) }); err != nil {
		pool.Drop()
		return err
	}
	return pool.Close(ctx)
}

func workNames() []string {
	var names []string
	for _, w := range works {
		names = append(names, w.name)
	}
	return names
}
