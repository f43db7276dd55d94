package proc

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// Busy is the CPU time that all of the machine's processes have used since it
// started, over all cores; waiting and interrupts are left out, as they
// belong to nobody.
func Busy() (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, fmt.Errorf("read machine's CPU time: %w", err)
	}
	return parseBusy(string(text))
}

func parseBusy(stat string) (time.Duration, error) {
	line, _, _ := strings.Cut(stat, "\n")
	fields := strings.Fields(line)
	if len(fields) < 4 || fields[0] != "cpu" {
		return 0, errFormat
	}
	var sum time.Duration
	for _, f := range fields[1:4] { // user, nice, system
		t, err := ticks(f)
		if err != nil {
			return 0, err
		}
		sum += t
	}
	return sum, nil
}

// Model is the name of the machine's first CPU, or "" where /proc has none.
func Model() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	return parseModel(string(text))
}

func parseModel(cpuinfo string) string {
	for line := range strings.Lines(cpuinfo) {
		key, value, ok := strings.Cut(line, ":")
		if ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// Kernel is the release of the running kernel, or "" where /proc has none.
func Kernel() string {
	text, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
