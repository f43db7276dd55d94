package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"go.uber.org/goleak"
)

// program is the path of popgate as it is built. TestMain sets it.
var program string

func TestMain(m *testing.M) {
	for _, name := range []string{socketVariable, backendVariable, hostsVariable, emailVariable} {
		_ = os.Unsetenv(name) // of whoever runs the tests
	}
	dir, err := os.MkdirTemp("", "popgate-test-")
	if err == nil {
		program, err = build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir)
		os.Exit(code)
	}))
}

// build compiles this package into dir, with the race detector if the tests
// have it.
func build(dir string) (string, error) {
	path := filepath.Join(dir, "popgate")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	args := []string{"build", "-o", path}
	if raceEnabled {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, ".")...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build popgate: %w\n%s", err, out)
	}
	return path, nil
}
