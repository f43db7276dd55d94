package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// report is the Markdown of a whole run.
func report(m machine, samples []sample) string {
	var out strings.Builder
	out.WriteString(head(m))
	for _, w := range works {
		if t := newTable(w.name, samples); len(t.rows) > 0 {
			t.writeLoad(&out, w)
		}
	}
	if t := newTable(idle, samples); len(t.rows) > 0 {
		t.writeIdle(&out)
	}
	out.WriteString(notes(m, samples))
	return out.String()
}

// head is one paragraph: when, where, with what.
func head(m machine) string {
	var versions []string
	for _, p := range peers {
		if v, ok := m.Peers[p.name]; ok {
			versions = append(versions, v)
		}
	}
	var handshakes []string
	for _, name := range slices.Sorted(maps.Keys(m.Handshakes)) {
		h := m.Handshakes[name]
		text := h.Version + ", " + h.Cipher + ", " + h.KeyExchange
		if name == hybridName {
			text += " in the row that says so"
		}
		if !slices.Contains(handshakes, text) {
			handshakes = append(handshakes, text)
		}
	}
	rounds := "One round only: a smoke run, not a measurement."
	if m.Rounds > 1 {
		rounds = fmt.Sprintf("Medians of %d interleaved rounds (least and most in brackets).", m.Rounds)
	}
	return fmt.Sprintf("Measured on %s: %d × %s, %s, Linux %s, %s; %s. %s One ECDSA P-256 certificate; %s; no resumption.\n",
		m.Date.Format("2006-01-02"), m.Cores, m.CPU, m.System, m.Kernel, m.Go, strings.Join(versions, ", "), rounds,
		strings.Join(handshakes, "; "))
}

// notes stand beneath the tables.
func notes(m machine, samples []sample) string {
	var text strings.Builder
	text.WriteString("\nCPU is user and system time of the proxy's whole process tree; generator and backend share the cores with it, " +
		"so compare CPU rather than rates, and only within one table.")
	if _, ok := m.Peers[popgate]; ok {
		text.WriteString(" popgate writes its info line a session to a file; the others log no sessions.")
	}
	if _, ok := m.Peers["nginx"]; ok {
		text.WriteString(" nginx also asks its auth_http service at each login, as it must.\n\n" +
			"¹ nginx's mail proxy leaves Nagle's algorithm on towards clients: a reply whose tail is a partial segment waits " +
			"for the client's delayed ACK, about 44 ms. Where its median is 40 ms or more, its rates and latencies show that wait, not its work.")
	}
	if most := slices.Max(append(values(samples, sample.foreign), 0)); most >= 0.02 {
		fmt.Fprintf(&text, "\n\nOther programs took up to %.0f %% of the machine during a measured round.", 100*most)
	}
	return text.String() + "\n"
}
