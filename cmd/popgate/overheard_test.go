package main

import (
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/hashicorp/go-hclog"
)

// TestOverheard: warnings of all loggers of the family, as long as somebody
// listens, whatever the level, and no more than a few.
func TestOverheard(t *testing.T) {
	log := overhear(hclog.New(&hclog.LoggerOptions{Output: io.Discard, Level: hclog.Error}))
	child := log.Named("tls").With("host", "a")
	child.Warn("before")
	log.ears.begin()
	child.Warn("certificate covers no host name", "certificate", "main", "error", errors.New("a\nb"))
	log.Log(hclog.Warn, "configuration problem")
	log.Log(hclog.Error, "none")
	log.Error("none")
	log.Info("none")
	if got := log.ears.end(); !slices.Equal(got, []string{"certificate covers no host name: certificate main, error a; b", "configuration problem"}) {
		t.Errorf("%q", got)
	}
	child.Warn("after")
	log.ears.begin()
	for range 2 * maxHeard {
		log.Warn("again")
	}
	if got := len(log.ears.end()); got != maxHeard {
		t.Errorf("%d are kept", got)
	}
}
