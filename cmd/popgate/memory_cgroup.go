package main

import (
	"io/fs"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
)

// What of a control group's memory isn't for sessions, in octets: what popgate
// takes without any, and a share of what the kernel counts there beside Go's
// memory, such as socket buffers. At most half of it.
const ownMemory = 32 << 20

// groupMemory is how much memory Go can use, by the limits of the control groups
// that this process is in, in octets; 0: none is limited. root is the file system.
func groupMemory(root fs.FS) uint64 {
	limit := groupLimit(root)
	if limit == 0 {
		return 0
	}
	return max(limit/2, max(limit, ownMemory)-ownMemory, 1)
}

// groupLimit is the least limit of the process' control groups, of the old kind
// and the new. Linux only: elsewhere the files are missing.
func groupLimit(root fs.FS) (least uint64) {
	groups, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(groups)) {
		fields := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(fields) < 3 {
			continue
		}
		controllers, group := fields[1], fields[2]
		switch {
		case controllers == "":
			// Above memory.high the kernel slows a process down to a crawl.
			least = lesser(least, limitAbove(root, "sys/fs/cgroup", group, "memory.max", "memory.high"))
		case slices.Contains(strings.Split(controllers, ","), "memory"):
			least = lesser(least, limitAbove(root, "sys/fs/cgroup/memory", group, "memory.limit_in_bytes"))
		}
	}
	return least
}

// limitAbove is the least limit that the files of a group and of those above it
// have, up to the one that is mounted. In a container that has its own view the
// group is "/"; in one that has only its own group mounted there is no such folder
// below it, and the mounted one counts. One that lies outside of what is mounted
// ("/../x") isn't known.
func limitAbove(root fs.FS, mounted, group string, files ...string) (least uint64) {
	if !path.IsAbs(group) || path.Clean(group) != group {
		return 0
	}
	for ; ; group = path.Dir(group) {
		for _, file := range files {
			least = lesser(least, limitIn(root, path.Join(mounted, group, file)))
		}
		if group == "/" {
			return least
		}
	}
}

// limitIn is the limit in one file; 0: there is none.
func limitIn(root fs.FS, file string) uint64 {
	text, err := fs.ReadFile(root, file)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	// "max" is none, and so is what the old kind writes for it, 2⁶³ less a page.
	if err != nil || n > math.MaxInt64/2 {
		return 0
	}
	return n
}

// lesser is the lesser of two limits, of which 0 is none.
func lesser(a, b uint64) uint64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
