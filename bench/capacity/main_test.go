package main

import (
	"io"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestCapacity: a small run ends with a line for each figure.
func TestCapacity(t *testing.T) {
	if _, err := os.Stat("/proc/self/smaps_rollup"); err != nil || os.Getuid() != 0 {
		t.Skip("SKIPPED: needs Linux's /proc, and root, as popgate lets nobody else look into its memory")
	}
	var out strings.Builder
	args := []string{"--held=20", "--stalled=5", "--sessions=20", "--mails=20", "--settle=0s"}
	if err := capacity(t.Context(), args, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\n| "); n != 9 {
		t.Errorf("the table has %d lines, want 9:\n%s", n, out.String())
	}
}

// TestUsage: what can't be measured is refused.
func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"now"}, {"--held=0"}, {"--settle=-1s"}, {"--what"}} {
		if capacity(t.Context(), args, io.Discard, io.Discard) == nil {
			t.Errorf("%q is no error", args)
		}
	}
}
