package proc

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Memory is the proportional set size of pid and its descendants in bytes:
// pages shared by several processes are counted once, by parts. Reading it
// takes the same user or root.
func Memory(pid int) (int64, error) {
	tree, err := Tree(pid)
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, p := range tree {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", p))
		if err != nil {
			return 0, fmt.Errorf("read memory: %w", err)
		}
		n, err := parsePSS(string(text))
		if err != nil {
			return 0, fmt.Errorf("read memory of %d: %w", p, err)
		}
		sum += n
	}
	return sum, nil
}

func parsePSS(rollup string) (int64, error) {
	for line := range strings.Lines(rollup) {
		rest, ok := strings.CutPrefix(line, "Pss:")
		if !ok {
			continue
		}
		number, ok := strings.CutSuffix(strings.TrimSpace(rest), " kB")
		if !ok {
			return 0, errFormat
		}
		kib, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return 0, errFormat
		}
		return kib << 10, nil
	}
	return 0, errFormat
}
