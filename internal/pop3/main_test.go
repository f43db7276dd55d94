package pop3_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// The tests of panics run this binary again and look at how it dies.
	if kind := os.Getenv(panicEnv); kind != "" {
		die(kind)
	}
	goleak.VerifyTestMain(m)
}
