package main

import (
	"math"
	"strings"
	"testing"
	"time"

	"popgate/bench/internal/load"
	"popgate/bench/internal/proc"
)

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 3, 2}, 2.5}} {
		if got := median(test.values); got != test.want {
			t.Errorf("%v: got %v, want %v", test.values, got, test.want)
		}
	}
}

// round makes a sample of the session work.
func roundOf(n int, row, peer string, cpu, rate float64) sample {
	return sample{Kind: kindRound, Round: n, Work: "session", Row: row, Peer: peer, Operations: 10, CPU: cpu, Rate: rate, P50: 1.25, P99: 9}
}

func TestReport(t *testing.T) {
	m := machine{
		Date: noon, CPU: "Some CPU", Cores: 2, System: "Debian", Kernel: "6.1", Go: "go1.26", Rounds: 3,
		Peers: map[string]string{"nginx": "nginx 1", popgate: "popgate 2", "haproxy": "haproxy 3"},
		Handshakes: map[string]load.Handshake{
			popgate: {Version: "TLS 1.3", Cipher: "C", KeyExchange: "X"}, "nginx": {Version: "TLS 1.3", Cipher: "C", KeyExchange: "X"},
			hybridName: {Version: "TLS 1.3", Cipher: "C", KeyExchange: "H"},
		},
	}
	var samples []sample
	// The machine is half as fast in the second round: the ratio of each round is 0.5, 0.5 and 0.8.
	for i, cpu := range [][2]float64{{100, 200}, {200, 400}, {120, 150}} {
		samples = append(samples,
			roundOf(i+1, "nginx", "nginx", cpu[1], 300),
			roundOf(i+1, "haproxy", "haproxy", cpu[1], 600),
			roundOf(i+1, hybridName, popgate, cpu[0]+50, 500),
			roundOf(i+1, popgate, popgate, cpu[0], 600))
	}
	samples[0].Foreign = 0.345
	samples = append(samples, sample{Kind: kindIdle, Work: idle, Round: 1, Row: "haproxy", Peer: "haproxy", Sessions: 7, Empty: 2048, Each: 17.25})
	got := report(m, samples)
	for _, want := range []string{
		"Measured on 2026-11-23: 2 × Some CPU, Debian, Linux 6.1, go1.26; popgate 2, haproxy 3, nginx 1. Medians of 3 interleaved rounds",
		"TLS 1.3, C, X; TLS 1.3, C, H in the row that says so; no resumption.",
		"32 at once, 10 a round | CPU µs | sessions/s |",
		"| popgate | 120 (100–200) | 600 | 1.2 | 9.0 |  |  |\n| " + hybridName + " | 170 (150–250) | 500 | 1.2 | 9.0 |  |  |\n" +
			"| haproxy | 200 (150–400) | 600 | 1.2 | 9.0 | 0.50 | 1.00 |\n| nginx | 200 (150–400) | 300 | 1.2 | 9.0 | 0.50 | 2.00 ¹ |\n",
		"| idle: 7 sessions held, logged in |",
		"| haproxy | 17.2 | 2.0 | – |",
		"¹ nginx's mail proxy leaves Nagle's algorithm on",
		"Other programs took up to 34 % of the machine",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no\n%s\nin\n%s", want, got)
		}
	}
	if strings.Contains(got, "RETR") {
		t.Errorf("a table without samples in\n%s", got)
	}
}

func TestReportWithoutNginxHasNoNote(t *testing.T) {
	m := machine{Rounds: 1, Peers: map[string]string{"haproxy": "haproxy 3"}}
	got := report(m, []sample{roundOf(1, "haproxy", "haproxy", 1, 1)})
	for _, no := range []string{"Nagle", "info line", "Other programs"} {
		if strings.Contains(got, no) {
			t.Errorf("%q in\n%s", no, got)
		}
	}
	if !strings.Contains(got, "a smoke run") || !strings.Contains(got, "| haproxy | 1 | 1 | 1.2 | 9.0 | – | – |\n") {
		t.Errorf("got\n%s", got)
	}
}

func TestPerUnit(t *testing.T) {
	used := proc.Usage{Total: 3 * time.Second}
	if got := works[0].perUnit(used, load.Result{Operations: 6000}); got != 500 {
		t.Errorf("got %v µs a session, want 500", got)
	}
	r := load.Result{Octets: 2 << 30, Wall: 4 * time.Second}
	if got := works[2].perUnit(used, r); got != 1.5 {
		t.Errorf("got %v s a GiB, want 1.5", got)
	}
	if got, want := works[2].rate(r), 536.87; math.Abs(got-want) > 0.01 {
		t.Errorf("got %v MB/s, want %v", got, want)
	}
}

func TestForeign(t *testing.T) {
	before := reading{at: noon, ours: proc.Usage{Total: time.Second}, busy: 10 * time.Second}
	after := reading{at: noon.Add(10 * time.Second), ours: proc.Usage{Total: 6 * time.Second}, busy: 20 * time.Second}
	if got := foreign(before, after, 2); got != 0.25 {
		t.Errorf("got %v, want 0.25", got)
	}
	after.busy = 11 * time.Second
	if got := foreign(before, after, 2); got != 0 {
		t.Errorf("got %v, want 0", got)
	}
}
