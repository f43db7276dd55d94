package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"

	"popgate/bench/internal/load"
	"popgate/bench/internal/proc"
)

// bench drives one run.
type bench struct {
	opts     options
	site     *site
	records  *records
	progress io.Writer
}

// row is one line of a table: a running peer and the key exchanges that the
// generator offers it.
type row struct {
	name   string
	server *server
	target load.Target
	hybrid bool // the handshake must come to the hybrid, or the row would lie
}

// hybridName is the row that shows what the hybrid costs popgate.
const hybridName = popgate + ", hybrid key exchange"

// run measures all that was asked for.
func (b *bench) run(ctx context.Context) error {
	var chosen []prepared
	for _, p := range peers {
		if !slices.Contains(b.opts.peers, p.name) {
			continue
		}
		found, err := b.site.prepare(ctx, p, b.opts)
		if err != nil {
			return err
		}
		chosen = append(chosen, found)
	}
	if err := b.loads(ctx, chosen); err != nil {
		return err
	}
	if !slices.Contains(b.opts.only, idle) {
		return nil
	}
	return b.idle(ctx, chosen)
}

// loads runs all peers side by side and measures one at a time, in turn. The
// others hold no session meanwhile and cost nothing.
func (b *bench) loads(ctx context.Context, chosen []prepared) error {
	var rows []row
	for _, p := range chosen {
		sv, err := b.site.start(ctx, p)
		if err != nil {
			return err
		}
		defer sv.process.stop(grace)
		rows = append(rows, b.rows(sv)...)
	}
	handshakes, err := b.check(ctx, rows)
	if err != nil {
		return err
	}
	if err := b.records.begin(b.machine(chosen, handshakes)); err != nil {
		return err
	}
	for round := range b.opts.rounds + 1 { // Round 0 warms up and isn't counted.
		for _, w := range works {
			if !slices.Contains(b.opts.only, w.name) {
				continue
			}
			if err := b.round(ctx, round, w, rows); err != nil {
				return err
			}
		}
	}
	return nil
}

// round measures one work through every row. Another row comes first in each
// round, so that drift hits all alike.
func (b *bench) round(ctx context.Context, round int, w work, rows []row) error {
	for i := range rows {
		if err := b.one(ctx, round, w, rows[(i+round)%len(rows)]); err != nil {
			return err
		}
	}
	return nil
}

// rows are the lines that a running peer has.
func (b *bench) rows(sv *server) []row {
	normal := row{name: sv.peer.name, server: sv, target: sv.target}
	if b.opts.keyExchange == exchangeHybrid {
		normal.target = sv.hybrid
		return []row{normal}
	}
	if b.opts.keyExchange == exchangeBoth && sv.peer.name == popgate {
		return []row{normal, {name: hybridName, server: sv, target: sv.hybrid, hybrid: true}}
	}
	return []row{normal}
}

// check fetches every message once through each row, compares contents, and
// insists that the handshakes come to the same.
func (b *bench) check(ctx context.Context, rows []row) (map[string]load.Handshake, error) {
	handshakes := make(map[string]load.Handshake)
	var first load.Handshake
	for _, r := range rows {
		h, err := load.Check(ctx, r.target)
		if err != nil {
			return nil, b.blame(r, err)
		}
		handshakes[r.name] = h
		if first == (load.Handshake{}) {
			first = h
		}
		compared := h
		if b.opts.keyExchange == exchangeHybrid || r.hybrid {
			compared.KeyExchange = first.KeyExchange
		}
		if compared != first {
			return nil, b.blame(r, fmt.Errorf("not the same work: its handshake came to %+v, another's to %+v", h, first))
		}
		if want := tls.X25519MLKEM768.String(); r.hybrid && h.KeyExchange != want {
			return nil, b.blame(r, fmt.Errorf("its key exchange was %s, not %s", h.KeyExchange, want))
		}
	}
	return handshakes, nil
}

// blame names the row and what its server printed last.
func (b *bench) blame(r row, err error) error {
	return fmt.Errorf("%s: %w; it said:\n%s", r.name, err, r.server.process.lastWords())
}

// one measures one work through one row. Round 0 is shorter and kept nowhere.
func (b *bench) one(ctx context.Context, round int, w work, r row) error {
	if r.hybrid && !w.sessions() {
		return nil // The key exchange is over before RETR.
	}
	times := int(float64(w.times) * b.opts.scale)
	if round == 0 {
		times /= 10
	}
	var s sample
	err := w.run(ctx, r.target, max(times, w.atOnce), func(do func() (load.Result, error)) (err error) {
		s, err = b.measure(ctx, w, r, do)
		return err
	})
	if err != nil {
		return b.blame(r, fmt.Errorf("%s: %w", w.name, err))
	}
	if round == 0 {
		return nil
	}
	s.Round = round
	fmt.Fprintf(b.progress, "round %d %-8s %-28s %8.2f %-10s %8.0f /s %7.1f ms p99, others took %.0f %%\n",
		round, w.name, r.name, s.CPU, s.Unit, s.Rate, s.P99, 100*s.Foreign)
	return b.records.add(s)
}

// machine is the head of the raw figures.
func (b *bench) machine(chosen []prepared, handshakes map[string]load.Handshake) machine {
	m := machine{
		Date: time.Now().UTC().Truncate(time.Second), CPU: proc.Model(), Cores: runtime.NumCPU(),
		System: systemName(), Kernel: proc.Kernel(), Go: runtime.Version(),
		Peers: make(map[string]string), Rounds: b.opts.rounds, Scale: b.opts.scale, Handshakes: handshakes,
	}
	for _, p := range chosen {
		m.Peers[p.name] = p.about.version
	}
	return m
}
