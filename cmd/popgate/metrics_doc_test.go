package main

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// rowsBelow are the cells of a document's table with that head, by the words in
// backquotes of the first cell.
func rowsBelow(t *testing.T, name, head string) map[string][]string {
	t.Helper()
	_, table, found := strings.Cut(document(t, name), head+"\n")
	if !found {
		t.Fatalf("%s has no table %s", name, head)
	}
	table, _, _ = strings.Cut(table, "\n\n")
	rows := make(map[string][]string)
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for _, word := range quoted.FindAllStringSubmatch(cells[0], -1) {
			rows[word[1]] = cells
		}
	}
	return rows
}

// labelsIn are the labels that a cell names, without their values behind a colon.
func labelsIn(cell string) (labels []string) {
	for _, part := range strings.FieldsFunc(cell, func(r rune) bool { return r == ',' || r == ';' }) {
		label, _, values := strings.Cut(strings.TrimSpace(part), ":")
		if m := quoted.FindStringSubmatch(label); m != nil && (values || !strings.Contains(cell, ":")) {
			labels = append(labels, m[1])
		}
	}
	return labels
}

// TestOperationsHasEveryMetric: each number of popgate's is explained with its
// labels, and no other is.
func TestOperationsHasEveryMetric(t *testing.T) {
	rows := rowsBelow(t, operations, "| metric | labels | what it is |")
	known := labelsOf(t)
	for name, labels := range known {
		if !strings.HasPrefix(name, "popgate_") {
			continue
		}
		row, there := rows[name]
		if !there || len(row) != 3 || len(strings.TrimSpace(row[2])) < 10 {
			t.Errorf("%s isn't explained: %q", name, row)
			continue
		}
		if got := labelsIn(row[1]); !slices.Equal(got, labels) {
			t.Errorf("%s is said to have the labels %q, it has %q", name, got, labels)
		}
	}
	for name := range rows {
		if _, there := known[name]; !there {
			t.Errorf("%s is explained and not there", name)
		}
	}
}

// TestCertificatesTellsTheSame: its table is in step with that of
// docs/operations.md.
func TestCertificatesTellsTheSame(t *testing.T) {
	known := labelsOf(t)
	rows := rowsBelow(t, "docs/certificates.md", "| number | labels | counts |")
	for short, row := range rows {
		labels, there := known["popgate_"+short]
		switch got := labelsIn(row[1]); {
		case !there:
			t.Errorf("%s is explained and not there", short)
		case len(got) > 0 || len(labels) > 0:
			for _, label := range labels {
				if !strings.Contains(row[1], "`"+label+"`") {
					t.Errorf("%s lacks the label %s", short, label)
				}
			}
		}
	}
	if len(rows) < 10 {
		t.Errorf("only %q are found", slices.Sorted(maps.Keys(rows)))
	}
}

// TestDocumentsNameMetricsThatAreThere, wherever they speak of one.
func TestDocumentsNameMetricsThatAreThere(t *testing.T) {
	known := labelsOf(t)
	for _, name := range []string{
		operations, "docs/certificates.md", "docs/policy.md", "docs/configuration.md", "docs/performance.md", "README.md", "SECURITY.md", "CHANGELOG.md",
	} {
		for _, word := range regexp.MustCompile("`(popgate_[a-z_]+)").FindAllStringSubmatch(document(t, name), -1) {
			if _, there := known[word[1]]; !there && word[1] != "popgate_" {
				t.Errorf("%s speaks of %s", name, word[1])
			}
		}
	}
}
