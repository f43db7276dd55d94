package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"popgate/internal/admin"
)

// TestOperationsShowsSamples: what docs/operations.md shows of commands is what
// tests insist on.
func TestOperationsShowsSamples(t *testing.T) {
	doc := document(t, operations)
	for _, sample := range []string{
		sessionsTable, backendsTable, topText, "12:00:00.000  client   USER bob\n", "not ready\n  there is no certificate in force\n",
	} {
		if !strings.Contains(doc, "```text\n"+sample) {
			t.Errorf("it doesn't show\n%s", sample)
		}
	}
}

// TestOperationsHasEveryCommand: each command and each word behind it, and no
// others.
func TestOperationsHasEveryCommand(t *testing.T) {
	explained := strings.Join(tablesOf(t, operations)["command"], "\n") + "\n"
	names := []string{}
	for _, c := range allCommands() {
		names = append(names, c.name)
		if !strings.Contains(explained, "popgate "+c.name) {
			t.Errorf("nothing of %s", c.name)
		}
		if c.menu == nil {
			continue
		}
		for i, w := range c.menu(new(call)).words {
			if w.name != "" && (i > 0 || !c.menu(new(call)).first) && !strings.Contains(explained, w.name+" "+w.args+"\n") && !strings.Contains(explained, w.name+"\n") {
				t.Errorf("nothing of %s %s", c.name, w.name)
			}
		}
	}
	for line := range strings.Lines(explained) {
		if words := strings.Fields(line); words[0] == "popgate" && !slices.Contains(names, words[1]) {
			t.Errorf("there is no %s", words[1])
		}
	}
}

// TestCertificatesShowsSample: likewise what docs/certificates.md shows of
// `popgate cert list`.
func TestCertificatesShowsSample(t *testing.T) {
	at := func(text string) *time.Time {
		moment, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return &moment
	}
	days := 89
	table := certificateTable([]admin.Certificate{
		{Name: "main", Source: admin.SourceFile, Names: []string{"mail.example.com"}, Issuer: "Example CA", NotAfter: at("2027-02-24T01:34:00Z"),
			DaysLeft: &days, State: admin.StateValid},
		{Name: "old.example.com", Source: admin.SourceACME, State: admin.StateMissing, NextTry: at("2026-11-26T01:40:00Z"),
			LastError: &admin.Problem{Type: "connection", Detail: "192.0.2.10: Fetching http://old.example.com/.well-known/acme-challenge/eFdGzIlrj4XkTmLp: " +
				"Timeout during connect (likely firewall problem)"}},
		{Name: "pop.example.com", Source: admin.SourceACME, Issuer: "E7", NotAfter: at("2027-02-24T01:35:00Z"), DaysLeft: &days,
			State: admin.StateValid, NextTry: at("2027-01-27T02:28:00Z")},
	}, *at("2026-11-26T01:35:00Z"))
	sample := strings.Join(table.lines(80), "\n") + "\n"
	if !strings.Contains(document(t, "docs/certificates.md"), "```text\n"+sample) {
		t.Errorf("it doesn't show\n%s", sample)
	}
}
