package proxy_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"popgate/internal/poptest"
)

// kinds are the names that a transcript's file may have, each with what its
// head must then speak of; $1 is the number or letter of the name.
var kinds = []struct{ name, head *regexp.Regexp }{
	{regexp.MustCompile(`^row(\d\d)-[a-z0-9.-]+$`), regexp.MustCompile(`^rfc \d+ §.* row (\d+):`)},
	{regexp.MustCompile(`^(?:attack|fault)-([A-Z]\d+)-[a-z0-9.-]+$`), regexp.MustCompile(`^(?:attack|fault) ([A-Z]\d+)\b`)},
	{regexp.MustCompile(`^rule-(\d\d)-[a-z0-9.-]+$`), regexp.MustCompile(`^rule (\d+)\b`)},
	{regexp.MustCompile(`^client-()[a-z]+$`), regexp.MustCompile(`()\b`)},
	{regexp.MustCompile(`^reply-()[a-z-]+$`), regexp.MustCompile(`^reply: ()`)},
	{regexp.MustCompile(`^numbers-()[a-z-]+$`), regexp.MustCompile(`^numbers: ()`)},
	{regexp.MustCompile(`^first-login()$`), regexp.MustCompile(`^rfc \d+ ()§`)},
}

// provedElsewhere are the rows of the RFC matrix that no transcript can show,
// and the tests that do.
var provedElsewhere = map[int]string{
	52: "../tlsconf/policy_test.go",           // cipher suites; tickets: ticket_test.go
	55: "../tlsconf/policy_test.go",           // crypto/tls takes no early data; the policy has nothing that could allow it
	56: "../internal/relay/keyupdate_test.go", // KeyUpdate in the relay
}

const (
	matrixRows = 56 // rows of the RFC matrix
	mailRules  = 12 // rules that keep mail safe
)

// TestTranscriptNames: a file's name says what it proves, and its head speaks
// of the same.
func TestTranscriptNames(t *testing.T) {
	for _, file := range transcripts(t) {
		if _, err := checkName(file.name, file.head); err != nil {
			t.Errorf("%s.txt: %v", file.name, err)
		}
	}
}

// TestTranscriptsCoverTheMatrix: every row of the RFC matrix and every rule that
// keeps mail safe has a transcript, or a test elsewhere that is named above.
func TestTranscriptsCoverTheMatrix(t *testing.T) {
	rows, rules := make(map[int]bool), make(map[int]bool)
	for _, file := range transcripts(t) {
		label, err := checkName(file.name, file.head)
		if err != nil {
			continue // TestTranscriptNames tells
		}
		n, _ := strconv.Atoi(label)
		switch {
		case strings.HasPrefix(file.name, "row"):
			rows[n] = true
		case strings.HasPrefix(file.name, "rule"):
			rules[n] = true
		}
	}
	for n := 1; n <= matrixRows; n++ {
		elsewhere, excused := provedElsewhere[n]
		switch {
		case rows[n] && excused:
			t.Errorf("row %d has a transcript and is said to be proved in %s", n, elsewhere)
		case !rows[n] && !excused:
			t.Errorf("row %d has no transcript", n)
		case excused:
			if _, err := os.Stat(elsewhere); err != nil {
				t.Errorf("row %d: %v", n, err)
			}
		}
		delete(rows, n)
	}
	for n := 1; n <= mailRules; n++ {
		if !rules[n] {
			t.Errorf("rule %d has no transcript", n)
		}
		delete(rules, n)
	}
	for n := range rows {
		t.Errorf("there is no row %d", n)
	}
	for n := range rules {
		t.Errorf("there is no rule %d", n)
	}
}

// transcript is the outside of a file in testdata.
type transcript struct{ name, head string }

func transcripts(t *testing.T) []transcript {
	t.Helper()
	var all []transcript
	for _, script := range poptest.Load(t, filepath.Join("testdata", "*.txt")) {
		file := transcript{strings.TrimSuffix(script.File, ".txt"), script.Head}
		if len(all) == 0 || all[len(all)-1] != file {
			all = append(all, file)
		}
	}
	return all
}

// checkName returns the number or letter that a file is about.
func checkName(name, head string) (label string, err error) {
	for _, kind := range kinds {
		match := kind.name.FindStringSubmatch(name)
		if match == nil {
			continue
		}
		about := kind.head.FindStringSubmatch(strings.ReplaceAll(head, "\n", " "))
		if about == nil {
			return "", fmt.Errorf("the head does not read %s", kind.head)
		}
		if strings.TrimLeft(match[1], "0") != about[1] {
			return "", fmt.Errorf("the name speaks of %s, the head of %s", match[1], about[1])
		}
		return about[1], nil
	}
	return "", fmt.Errorf("not a name that a transcript may have")
}

// TestTranscriptNamesAreChecked: the check above finds what it is for.
func TestTranscriptNamesAreChecked(t *testing.T) {
	for _, tt := range []struct {
		name, head string
		ok         bool
	}{
		{"row07-multi-line", "rfc 1939 §3 row 7: why", true},
		{"row07-multi-line", "rfc 1939 §3 row 8: why", false},
		{"row07-multi-line", "why", false},
		{"row7-multi-line", "rfc 1939 §3 row 7: why", false},
		{"attack-K1-name", "attack K1: why", true},
		{"attack-K1-name", "attack K2: why", false},
		{"fault-B10-name", "fault B10: why", true},
		{"rule-01-name", "rule 1: why", true},
		{"rule-01-name", "rule 11: why", false},
		{"client-mutt", "mutt: why", true},
		{"reply-capacity", "reply: why", true},
		{"reply-capacity", "why", false},
		{"something", "rfc 1939 §3", false},
	} {
		if _, err := checkName(tt.name, tt.head); (err == nil) != tt.ok {
			t.Errorf("%s, %q: %v", tt.name, tt.head, err)
		}
	}
}
