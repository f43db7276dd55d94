package main

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// operations is the document that explains the log.
const operations = "docs/operations.md"

// document reads one of the documents for people.
func document(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// quoted matches what stands in backquotes.
var quoted = regexp.MustCompile("`([^`]+)`")

// tablesOf are the tables of a document by what heads their first column; each
// has the words in backquotes of its rows' first cells.
func tablesOf(t testing.TB, name string) map[string][]string {
	t.Helper()
	tables := make(map[string][]string)
	head := ""
	for line := range strings.Lines(document(t, name)) {
		if !strings.HasPrefix(line, "|") {
			head = ""
			continue
		}
		first, _, _ := strings.Cut(strings.TrimPrefix(strings.ReplaceAll(line, `\|`, "/"), "|"), "|")
		if head == "" {
			head = strings.Trim(first, " `")
			continue
		}
		for _, word := range quoted.FindAllStringSubmatch(first, -1) {
			tables[head] = append(tables[head], word[1])
		}
	}
	return tables
}

// TestOperationsHasEveryWord: whatever can stand behind end= or last_failure=
// in the log is explained in docs/operations.md, and nothing else is.
func TestOperationsHasEveryWord(t *testing.T) {
	tables := tablesOf(t, operations)
	explained := slices.Concat(tables["end"], tables["last_failure"])
	words := slices.Concat(reasonsOf(t), endsOf(t))
	for _, sample := range []string{"quit", "idle", "password_refused", "backend_greeting_timeout", "fault"} {
		if !slices.Contains(words, sample) {
			t.Errorf("%q isn't found in the source any more: is this test blind?", sample)
		}
	}
	for _, word := range words {
		if !slices.Contains(explained, word) {
			t.Errorf("%q isn't explained", word)
		}
	}
	known := slices.Concat(words, checksOf(t))
	for _, word := range explained {
		if !slices.Contains(known, word) {
			t.Errorf("%q is explained, but nothing logs it", word)
		}
	}
}

// TestOperationsHasEveryCheck: the name of each limit stands somewhere.
func TestOperationsHasEveryCheck(t *testing.T) {
	doc := document(t, operations)
	checks := checksOf(t)
	if !slices.Contains(checks, "connections_per_ip") {
		t.Errorf("only %q is found in the source: is this test blind?", checks)
	}
	for _, check := range checks {
		if !regexp.MustCompile("`[^`]*\\b" + check + "\\b[^`]*`").MatchString(doc) {
			t.Errorf("%q isn't mentioned", check)
		}
	}
}

// TestOperationsHasEveryKey: the keys of a session's line, all and no others.
func TestOperationsHasEveryKey(t *testing.T) {
	got, want := slices.Sorted(slices.Values(tablesOf(t, operations)["key"])), slices.Sorted(slices.Values(keysOf(t)))
	if len(want) < 10 || !slices.Equal(got, want) {
		t.Errorf("explained are %q, logged are %q", got, want)
	}
}

// TestOperationsQuotesTheLog: the messages that it tells to look for are those
// of the log.
func TestOperationsQuotesTheLog(t *testing.T) {
	var said strings.Builder
	for _, dir := range []string{"proxy", "authz", "tlsconf", "internal/relay", "internal/logs", "internal/admin", "cmd/popgate"} {
		for _, file := range source(t, dir) {
			for _, word := range constants(file) {
				said.WriteString(word + "\n")
			}
		}
	}
	messages := tablesOf(t, operations)["you see"]
	if len(messages) < 5 {
		t.Errorf("only %q are there to look for", messages)
	}
	for _, message := range messages {
		if _, reason, found := strings.Cut(message, "="); found {
			message = reason
		}
		if !strings.Contains(said.String(), message+"\n") {
			t.Errorf("nothing logs %q", message)
		}
	}
}

// TestDocumentsHaveEveryWarning: each message at level warn or error stands in a
// table, where operators find what to do.
func TestDocumentsHaveEveryWarning(t *testing.T) {
	tables := tablesOf(t, operations)
	explained := slices.Concat(tables["you see"], tablesOf(t, "docs/certificates.md")["message"])
	messages := warningsOf(t)
	for _, sample := range []string{"backend is down", "session met a bug", "log lines dropped", "configuration problem"} {
		if !slices.Contains(messages, sample) {
			t.Errorf("%q isn't found in the source any more: is this test blind?", sample)
		}
	}
	for _, message := range messages {
		if !slices.Contains(explained, message) {
			t.Errorf("%q isn't explained", message)
		}
	}
}

// warningsOf are the constant messages that are logged at level warn or error, or
// at one that is computed.
func warningsOf(t testing.TB) (messages []string) {
	for _, dir := range []string{"authz", "proxy", "tlsconf", "internal/admin", "internal/logs", "internal/metrics", "internal/relay", "cmd/popgate"} {
		for _, file := range source(t, dir) {
			ast.Inspect(file, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok || !slices.Contains([]string{"Warn", "Error", "warn", "Log"}, called(call)) {
					return true
				}
				place := 0
				if called(call) == "Log" {
					place = 1 // behind the level
				}
				if len(call.Args) > place {
					if message, ok := constant(call.Args[place]); ok {
						messages = append(messages, message)
					}
				}
				return true
			})
		}
	}
	return messages
}

// TestOperationsHasEverySampledKey: the keys that tell repeated warnings apart,
// all and no others.
func TestOperationsHasEverySampledKey(t *testing.T) {
	var want, got []string
	for _, file := range source(t, "internal/logs") {
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok && spec.Names[0].Name == "sampledKeys" {
				for _, key := range spec.Values[0].(*ast.CompositeLit).Elts {
					word, _ := constant(key)
					want = append(want, word)
				}
			}
			return true
		})
	}
	_, keys, _ := strings.Cut(document(t, operations), "under the first that is\nthere of")
	keys, _, _ = strings.Cut(keys, ", five")
	for _, word := range quoted.FindAllStringSubmatch(keys, -1) {
		got = append(got, word[1])
	}
	if len(want) < 5 || !slices.Equal(got, want) {
		t.Errorf("explained are %q, used are %q", got, want)
	}
}
