package main

import (
	"math"
	"os"
	"testing"
	"testing/fstest"
)

// tree is a file system with these files.
func tree(files map[string]string) fstest.MapFS {
	t := make(fstest.MapFS)
	for name, text := range files {
		t[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return t
}

// TestGroupLimit: the least limit counts, of the process' own group and of those
// above, in all the ways in which containers see them.
func TestGroupLimit(t *testing.T) {
	const proc, new, old = "proc/self/cgroup", "sys/fs/cgroup/", "sys/fs/cgroup/memory/"
	for name, test := range map[string]struct {
		files map[string]string
		want  uint64
	}{
		"no such system":          {nil, 0},
		"no limit":                {map[string]string{proc: "0::/a\n", new + "a/memory.max": "max\n", new + "a/memory.high": "max\n"}, 0},
		"a view of its own":       {map[string]string{proc: "0::/\n", new + "memory.max": "268435456\n", new + "memory.high": "max\n"}, 256 << 20},
		"a service":               {map[string]string{proc: "0::/system.slice/popgate.service\n", new + "system.slice/popgate.service/memory.max": "1000\n"}, 1000},
		"the group above":         {map[string]string{proc: "0::/a/b/c\n", new + "a/memory.max": "500\n", new + "a/b/memory.max": "max\n", new + "a/b/c/memory.max": "1000\n"}, 500},
		"the own one":             {map[string]string{proc: "0::/a/b\n", new + "a/memory.max": "5000\n", new + "a/b/memory.max": "1000\n"}, 1000},
		"high is less":            {map[string]string{proc: "0::/a\n", new + "a/memory.max": "1000\n", new + "a/memory.high": "900\n"}, 900},
		"another group":           {map[string]string{proc: "0::/a\n", new + "b/memory.max": "1000\n"}, 0},
		"mounted as the root":     {map[string]string{proc: "0::/docker/1f\n", new + "memory.max": "1000\n"}, 1000},
		"outside of the view":     {map[string]string{proc: "0::/../x\n", new + "x/memory.max": "1000\n", new + "memory.max": "900\n"}, 0},
		"the old kind":            {map[string]string{proc: "5:cpu,cpuacct:/a\n4:memory:/docker/1f\n1:name=systemd:/a\n", old + "docker/1f/memory.limit_in_bytes": "1000\n", old + "memory.limit_in_bytes": "9223372036854771712\n"}, 1000},
		"the old kind, mounted":   {map[string]string{proc: "4:memory:/docker/1f\n0::/\n", old + "memory.limit_in_bytes": "1000\n"}, 1000},
		"the old kind, none":      {map[string]string{proc: "4:memory:/\n", old + "memory.limit_in_bytes": "9223372036854771712\n"}, 0},
		"both kinds":              {map[string]string{proc: "4:hugetlb,memory:/a\n0::/a\n", old + "a/memory.limit_in_bytes": "1000\n", new + "a/memory.max": "900\n"}, 900},
		"a colon in the name":     {map[string]string{proc: "0::/a:b\n", new + "a:b/memory.max": "1000\n"}, 1000},
		"nonsense in a file":      {map[string]string{proc: "0::/a\n", new + "a/memory.max": "much\n"}, 0},
		"nonsense in the list":    {map[string]string{proc: "\n0\n::\n0::a\n0::/a\n", new + "a/memory.max": "1000"}, 1000},
		"another one is limited":  {map[string]string{proc: "3:cpuset:/a\n", old + "a/memory.limit_in_bytes": "1000\n"}, 0},
		"more than there can be":  {map[string]string{proc: "0::/a\n", new + "a/memory.max": "99999999999999999999\n"}, 0},
		"a group that is removed": {map[string]string{proc: "0::/a (deleted)\n"}, 0},
	} {
		if got := groupLimit(tree(test.files)); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
	if n := groupMemory(os.DirFS("/")); n > math.MaxInt64/2 {
		t.Errorf("this process has %d", n)
	}
}

// TestGroupMemory: sessions get what popgate doesn't need for itself, and Go is
// never left with so little that it does nothing but collect.
func TestGroupMemory(t *testing.T) {
	for limit, want := range map[string]uint64{
		"max": 0, "0": 0, "1": 1, "16777216": 8 << 20, "67108864": 32 << 20, "134217728": 96 << 20, "2147483648": 2<<30 - 32<<20,
	} {
		files := map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": limit + "\n"}
		if got := groupMemory(tree(files)); got != want {
			t.Errorf("of %s octets %d can be used, want %d", limit, got, want)
		}
	}
}

// FuzzGroupLimit: whatever the kernel writes, the limit is one that stands there.
func FuzzGroupLimit(f *testing.F) {
	f.Add("0::/a\n", "1000\n", "900")
	f.Add("4:memory:/a/b\n0::/\n", "max", "-1")
	f.Add("0::/..\n0::/a/../b\n0::"+"//\n:::", "0x10", "1e3")
	f.Fuzz(func(t *testing.T, list, own, above string) {
		root := tree(map[string]string{
			"proc/self/cgroup": list, "sys/fs/cgroup/a/memory.max": own, "sys/fs/cgroup/memory.max": above,
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes": own,
		})
		got := groupLimit(root)
		if got != 0 && got != limitIn(root, "sys/fs/cgroup/a/memory.max") && got != limitIn(root, "sys/fs/cgroup/memory.max") {
			t.Errorf("%q, %q, %q: %d", list, own, above, got)
		}
	})
}
