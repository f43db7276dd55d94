package main

import (
	"fmt"
	"slices"
	"strings"
)

// table is the samples of one work, by row.
type table struct {
	rows    []string // in the order of peers, the hybrid behind popgate
	samples map[string][]sample
}

func newTable(work string, samples []sample) table {
	t := table{samples: make(map[string][]sample)}
	for _, s := range samples {
		if s.Work == work {
			t.samples[s.Row] = append(t.samples[s.Row], s)
		}
	}
	for _, name := range append(peerNames(), hybridName) {
		if len(t.samples[name]) > 0 {
			t.rows = append(t.rows, name)
		}
	}
	slices.SortStableFunc(t.rows, func(a, b string) int {
		return slices.Index(peerNames(), t.samples[a][0].Peer) - slices.Index(peerNames(), t.samples[b][0].Peer)
	})
	return t
}

func (t table) writeLoad(out *strings.Builder, w work) {
	cpu, cpuForm, rate := "CPU s per GiB", "%.2f", "MB/s"
	if w.sessions() {
		cpu, cpuForm, rate = "CPU µs", "%.0f", "sessions/s"
	}
	fmt.Fprintf(out, "\n| %s; %d at once, %d a round | %s | %s | p50 ms | p99 ms | popgate's CPU ÷ this | popgate's rate ÷ this |\n|---|---|---|---|---|---|---|\n",
		w.title, w.atOnce, t.samples[t.rows[0]][0].Operations, cpu, rate)
	for _, name := range t.rows {
		s := t.samples[name]
		rates := t.ratio(name, sample.rate)
		if s[0].Peer == "nginx" {
			rates += nagleMark
		}
		fmt.Fprintf(out, "| %s | %s | %.0f | %.1f | %.1f | %s | %s |\n", name, spread(cpuForm, s, sample.cpu),
			median(values(s, sample.rate)), median(values(s, sample.p50)), median(values(s, sample.p99)),
			t.ratio(name, sample.cpu), rates)
	}
}

func (t table) writeIdle(out *strings.Builder) {
	fmt.Fprintf(out, "\n| idle: %d sessions held, logged in | KiB a session | MiB without a session | popgate's ÷ this |\n|---|---|---|---|\n",
		t.samples[t.rows[0]][0].Sessions)
	for _, name := range t.rows {
		s := t.samples[name]
		fmt.Fprintf(out, "| %s | %s | %.1f | %s |\n", name, spread("%.1f", s, sample.each),
			median(values(s, sample.empty))/1024, t.ratio(name, sample.each))
	}
}

// nagleMark points from a ratio to the note that explains it.
const nagleMark = " ¹"

// ratio is popgate's figure divided by this row's: the median of each round's
// own ratio, as the machine's speed drifts between rounds.
func (t table) ratio(name string, of func(sample) float64) string {
	s := t.samples[name]
	if s[0].Peer == popgate {
		return ""
	}
	var ratios []float64
	for _, theirs := range s {
		for _, ours := range t.samples[popgate] {
			if ours.Round == theirs.Round && of(theirs) > 0 {
				ratios = append(ratios, of(ours)/of(theirs))
			}
		}
	}
	if len(ratios) == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", median(ratios))
}

func (s sample) cpu() float64     { return s.CPU }
func (s sample) rate() float64    { return s.Rate }
func (s sample) p50() float64     { return s.P50 }
func (s sample) p99() float64     { return s.P99 }
func (s sample) each() float64    { return s.Each }
func (s sample) empty() float64   { return s.Empty }
func (s sample) foreign() float64 { return s.Foreign }

func values(samples []sample, of func(sample) float64) []float64 {
	v := make([]float64, len(samples))
	for i, s := range samples {
		v[i] = of(s)
	}
	return v
}

// spread is the median, with the least and the most if there are several.
func spread(form string, samples []sample, of func(sample) float64) string {
	v := values(samples, of)
	text := fmt.Sprintf(form, median(v))
	if len(v) > 1 {
		text += fmt.Sprintf(" ("+form+"–"+form+")", slices.Min(v), slices.Max(v))
	}
	return text
}

// median of an even number is the mean of the two in the middle; 0 of none.
func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Sorted(slices.Values(v))
	half := len(v) / 2
	if len(v)%2 == 1 {
		return v[half]
	}
	return (v[half-1] + v[half]) / 2
}
