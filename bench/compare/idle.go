package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"popgate/bench/internal/load"
	"popgate/bench/internal/proc"
)

// idle starts each peer afresh, alone, and reads its memory without sessions
// and with many that are logged in and silent.
func (b *bench) idle(ctx context.Context, chosen []prepared) error {
	for round := 1; round <= b.opts.rounds; round++ {
		for i := range chosen {
			s, err := b.hold(ctx, chosen[(i+round)%len(chosen)])
			if err != nil {
				return err
			}
			s.Round = round
			fmt.Fprintf(b.progress, "round %d %-8s %-28s %8.1f KiB a session\n", round, idle, s.Row, s.Each)
			if err := b.records.add(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// hold measures the memory of one peer.
func (b *bench) hold(ctx context.Context, p prepared) (sample, error) {
	sv, err := b.site.start(ctx, p)
	if err != nil {
		return sample{}, err
	}
	defer sv.process.stop(grace)
	r := row{name: p.name, server: sv, target: sv.target}
	// One session first: what is made once for all belongs to the empty process.
	if _, err := load.Check(ctx, r.target); err != nil {
		return sample{}, b.blame(r, err)
	}
	empty, err := proc.Memory(sv.process.pid())
	if err != nil {
		return sample{}, err
	}
	pool, err := load.Open(ctx, r.target, b.opts.sessions)
	if err != nil {
		return sample{}, b.blame(r, err)
	}
	defer pool.Drop()
	if err := wait(ctx, b.opts.hold); err != nil {
		return sample{}, err
	}
	held, err := proc.Memory(sv.process.pid())
	if err != nil {
		return sample{}, err
	}
	if err := pool.Close(ctx); err != nil {
		return sample{}, b.blame(r, errors.Join(errors.New("a held session broke"), err))
	}
	return sample{
		Kind: kindIdle, Time: time.Now().UTC(), Work: idle, Row: p.name, Peer: p.name, Sessions: b.opts.sessions,
		Empty: float64(empty) / 1024, Held: float64(held) / 1024,
		Each: float64(held-empty) / 1024 / float64(b.opts.sessions),
	}, nil
}
