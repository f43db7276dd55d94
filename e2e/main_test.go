package e2e

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"go.uber.org/goleak"
)

// program is the popgate binary under test. TestMain builds it once and nothing changes it later.
var program string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "popgate")
	if err != nil {
		fmt.Fprintln(os.Stderr, "folder for the program:", err)
		os.Exit(1)
	}
	if program, err = build(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.RemoveAll(dir)
		os.Exit(1)
	}
	// These tests wait for other programs, and for delays, most of their time. The command line still has its say, as
	// it is parsed later.
	if err := flag.Set("test.parallel", strconv.Itoa(3*runtime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(dir)
		os.Exit(code)
	}))
}

// build compiles ./cmd/popgate into dir, with the race detector if the tests have it, and returns the program's path.
func build(dir string) (string, error) {
	path := filepath.Join(dir, "popgate")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	args := []string{"build", "-o", path}
	if raceEnabled {
		args = append(args, "-race")
	}
	out, err := exec.Command("go", append(args, "popgate/cmd/popgate")...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build popgate: %w\n%s", err, out)
	}
	return path, nil
}
