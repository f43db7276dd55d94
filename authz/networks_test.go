package authz

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// networksOf makes lists that must be right.
func networksOf(t testing.TB, list ...Network) *Networks {
	t.Helper()
	n, err := NewNetworks(list)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestNetworkFiles: what a file can hold, and which addresses are in it then.
func TestNetworkFiles(t *testing.T) {
	for _, test := range []struct {
		name, content string
		in, out       []string
	}{
		{"nothing", "", nil, []string{"192.0.2.1", "::1"}},
		{"comments and blank lines", "# office\n\n   \n\t# more\n192.0.2.0/24 # here\n#10.0.0.0/8\n", []string{"192.0.2.0", "192.0.2.255"}, []string{"10.0.0.1", "192.0.3.0"}},
		{"CRLF, no last line end", "192.0.2.0/24\r\n\r\n# x\r\n2001:db8::/32", []string{"192.0.2.1", "2001:db8:ffff::1"}, []string{"2001:db9::1"}},
		{"spaces around", "  192.0.2.0/24\t\n\t2001:db8::1  #x\n", []string{"192.0.2.1", "2001:db8::1"}, []string{"2001:db8::2"}},
		{"single addresses", "192.0.2.1\n2001:db8::1\n", []string{"192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1"}, []string{"192.0.2.0", "192.0.2.2", "2001:db8::"}},
		{"IPv4 written as IPv6", "::ffff:192.0.2.0/120\n::ffff:198.51.100.7\n", []string{"192.0.2.9", "::ffff:192.0.2.9", "198.51.100.7"}, []string{"192.0.3.1", "198.51.100.8"}},
		{"bits behind the prefix", "192.0.2.77/24\n2001:db8::ffff/32\n", []string{"192.0.2.1", "192.0.2.200", "2001:db8:1::"}, []string{"192.0.3.77"}},
		{"all of IPv4", "0.0.0.0/0", []string{"0.0.0.0", "255.255.255.255", "::ffff:1.2.3.4"}, []string{"::", "2001:db8::1"}},
		{"all of IPv6", "::/0", []string{"::", "2001:db8::1", "fe80::1%eth0"}, []string{"0.0.0.0", "::ffff:1.2.3.4"}},
		{"nested and doubled", "10.0.0.0/8\n10.1.0.0/16\n10.1.0.0/16\n", []string{"10.1.2.3", "10.2.2.3"}, []string{"11.0.0.0"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "list.txt")
			write(t, path, test.content)
			n := networksOf(t, Network{Name: "list", File: path})
			for _, a := range test.in {
				if got := n.Of(addr(a)); !slices.Equal(got, []string{"list"}) {
					t.Errorf("%s is in %q", a, got)
				}
			}
			for _, a := range test.out {
				if got := n.Of(addr(a)); got != nil {
					t.Errorf("%s is in %q", a, got)
				}
			}
		})
	}
}

// TestNetworksByName: an address can be in several lists; they are told in the
// order of the configuration, and a list is its addresses and its file.
func TestNetworksByName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b.txt")
	write(t, path, "198.51.100.0/24\n")
	prefix := netip.MustParsePrefix
	n := networksOf(t,
		Network{Name: "b", Addresses: []netip.Prefix{prefix("192.0.2.0/24")}, File: path},
		Network{Name: "a", Addresses: []netip.Prefix{prefix("192.0.2.0/25"), prefix("2001:db8::/32")}},
		Network{Name: "empty"})
	for a, want := range map[string][]string{
		"192.0.2.1": {"b", "a"}, "192.0.2.200": {"b"}, "198.51.100.1": {"b"}, "2001:db8::1": {"a"}, "203.0.113.1": nil,
	} {
		if got := n.Of(addr(a)); !slices.Equal(got, want) {
			t.Errorf("%s is in %q, want %q", a, got, want)
		}
	}
	if got := n.Of(netip.Addr{}); got != nil {
		t.Errorf("no address is in %q", got)
	}
	var none *Networks
	if got := none.Of(addr("192.0.2.1")); got != nil {
		t.Errorf("without lists it is in %q", got)
	}
	if changed, err := none.Refresh(); changed != nil || err != nil {
		t.Errorf("without lists: %v, %v", changed, err)
	}
}

// TestBadNetworkLines: an error tells the list, the file, the line and a bounded
// part of what stands there.
func TestBadNetworkLines(t *testing.T) {
	for _, test := range []struct{ name, content, want string }{
		{"a word", "192.0.2.0/24\n# x\n\noffice\n", `line 4: "office"`},
		{"prefix too long", "192.0.2.0/33", `line 1: "192.0.2.0/33"`},
		{"no prefix", "192.0.2.0/", `line 1: "192.0.2.0/"`},
		{"negative", "192.0.2.0/-1", `line 1:`},
		{"a part is missing", "192.0.2/24", `line 1:`},
		{"leading zeros", "192.0.02.1", `line 1:`},
		{"two on a line", "192.0.2.1 192.0.2.2", `line 1: "192.0.2.1 192.0.2.2"`},
		{"a zone", "fe80::1%eth0", `line 1:`},
		{"a zone and a prefix", "fe80::1%eth0/64", `line 1:`},
		{"a name", "\r\npop.example.com\r\n", `line 2: "pop.example.com"`},
		{"control bytes", "192.0.2.1\x1b[31m", `line 1: "192.0.2.1\x1b[31m"`},
		{"long", strings.Repeat("x", 5000), `line 1: "` + strings.Repeat("x", 60) + `"`},
		{"longer than a line can be", "\n" + strings.Repeat("x", 1<<20), "line 2: bufio.Scanner: token too long"},
		{"too many", strings.Repeat("#\n", maxNetworkLines) + "192.0.2.1", "line 1000001: there are more than 1000000 lines"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "bad.txt")
			write(t, path, test.content)
			n, err := NewNetworks([]Network{{Name: "bad", File: path}, {Name: "good", Addresses: everywhere}})
			if err == nil {
				t.Fatal("no error")
			}
			text := err.Error()
			if !strings.Contains(text, test.want) || !strings.Contains(text, path) || !strings.Contains(text, `"bad"`) || len(text) > 500 {
				t.Errorf("%s, want %s", text, test.want)
			}
			if got := n.Of(addr("192.0.2.1")); !slices.Equal(got, []string{"good"}) {
				t.Errorf("192.0.2.1 is in %q", got)
			}
		})
	}
}

// TestNetworkFilesThatCantBeRead: all problems come at once.
func TestNetworkFilesThatCantBeRead(t *testing.T) {
	dir := t.TempDir()
	huge := filepath.Join(dir, "huge.txt")
	write(t, huge, "")
	if err := os.Truncate(huge, maxNetworkFile+1); err != nil {
		t.Fatal(err)
	}
	_, err := NewNetworks([]Network{{Name: "gone", File: filepath.Join(dir, "gone.txt")}, {Name: "folder", File: dir}, {Name: "huge", File: huge}})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{`"gone"`, "no such file", `"folder"`, "not a regular file", `"huge"`, "larger than"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v: nothing about %s", err, want)
		}
	}
}

// TestRefresh: what has changed is read again; what can't be read stays as it
// was, and is an error each time until it is mended.
func TestRefresh(t *testing.T) {
	dir := t.TempDir()
	path, still := filepath.Join(dir, "list.txt"), filepath.Join(dir, "still.txt")
	write(t, path, "192.0.2.0/24\n")
	write(t, still, "192.0.2.0/24\n")
	n := networksOf(t,
		Network{Name: "list", File: path, Addresses: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}},
		Network{Name: "still", File: still},
		Network{Name: "fixed", Addresses: everywhere})
	remove := func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		name string
		do   func()
		news bool
		fail bool
		in   string // an address of the list from then on
		out  string
	}{
		{"nothing", func() {}, false, false, "192.0.2.1", "198.51.100.1"},
		{"written again as it was", func() { write(t, path, "192.0.2.0/24\n") }, false, false, "192.0.2.1", "198.51.100.1"},
		{"changed", func() { write(t, path, "198.51.100.0/24\n") }, true, false, "198.51.100.1", "192.0.2.1"},
		{"nothing", func() {}, false, false, "198.51.100.1", "192.0.2.1"},
		{"broken", func() { write(t, path, "192.0.2.0/24\nx\n") }, false, true, "198.51.100.1", "192.0.2.1"},
		{"still broken", func() {}, false, true, "198.51.100.1", "192.0.2.1"},
		{"mended as it was", func() { write(t, path, "198.51.100.0/24\n") }, false, false, "198.51.100.1", "192.0.2.1"},
		{"removed", remove, false, true, "198.51.100.1", "192.0.2.1"},
		{"there again", func() { write(t, path, "192.0.2.0/24\n") }, true, false, "192.0.2.1", "198.51.100.1"},
		{"emptied", func() { write(t, path, "") }, false, true, "192.0.2.1", "198.51.100.1"},
		{"still empty", func() {}, false, true, "192.0.2.1", "198.51.100.1"},
		{"emptied in earnest", func() { write(t, path, "# nobody\n") }, true, false, "203.0.113.1", "192.0.2.1"},
	} {
		step.do()
		changed, err := n.Refresh()
		var want []string
		if step.news {
			want = []string{"list"}
		}
		if !slices.Equal(changed, want) || (err != nil) != step.fail {
			t.Errorf("%s: changed %q, error %v", step.name, changed, err)
		}
		if got := n.Of(addr(step.in)); !slices.Contains(got, "list") {
			t.Errorf("%s: %s is in %q", step.name, step.in, got)
		}
		if got := n.Of(addr(step.out)); slices.Contains(got, "list") {
			t.Errorf("%s: %s is in %q", step.name, step.out, got)
		}
		for _, always := range []string{"203.0.113.1", "192.0.2.1"} {
			if got := n.Of(addr(always)); !slices.Contains(got, "fixed") {
				t.Errorf("%s: %s is in %q", step.name, always, got)
			}
		}
	}
}

// TestRefreshWaitsForWriters: a file that has just been written isn't taken
// before it has been left alone for a while; one whose time lies ahead is.
func TestRefreshWaitsForWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list.txt")
	write(t, path, "192.0.2.0/24\n")
	n := networksOf(t, Network{Name: "list", File: path})
	n.Settle = time.Hour
	for _, step := range []struct {
		list string
		age  time.Duration
		news bool
	}{
		{"198.51.100.0/24\n", 0, false},
		{"198.51.100.0/24\n", 50 * time.Minute, false},
		{"198.51.100.0/24\n", time.Hour, true},
		{"192.0.2.0/24\n", time.Minute, false},
		{"192.0.2.0/24\n", -time.Minute, true},
	} {
		write(t, path, step.list)
		at := time.Now().Add(-step.age)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		changed, err := n.Refresh()
		if err != nil || len(changed) > 0 != step.news {
			t.Errorf("written %v ago: changed %q, error %v; want news: %v", step.age, changed, err, step.news)
		}
	}
}

// TestRefreshMendsAFirstTry: a list that couldn't be read at the start is empty
// until it can.
func TestRefreshMendsAFirstTry(t *testing.T) {
	path := filepath.Join(t.TempDir(), "late.txt")
	n, err := NewNetworks([]Network{{Name: "late", File: path}})
	if err == nil || n.Of(addr("192.0.2.1")) != nil {
		t.Fatal("a file that isn't there was read")
	}
	write(t, path, "192.0.2.1")
	if changed, err := n.Refresh(); err != nil || !slices.Equal(changed, []string{"late"}) || n.Of(addr("192.0.2.1")) == nil {
		t.Errorf("changed %q, error %v", changed, err)
	}
}

// TestRefreshUnderLookups: who looks meanwhile sees the old list or the new one.
func TestRefreshUnderLookups(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list.txt")
	write(t, path, "192.0.2.0/24\n")
	n := networksOf(t, Network{Name: "list", File: path})
	done := make(chan struct{})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if !slices.Equal(n.Of(addr("192.0.2.1")), []string{"list"}) {
					t.Error("neither the old list nor the new one")
					return
				}
			}
		})
	}
	for i := range 100 {
		write(t, path, fmt.Sprintf("192.0.2.0/24\n10.0.0.%d\n", i))
		if _, err := n.Refresh(); err != nil {
			t.Error(err)
		}
	}
	close(done)
	all.Wait()
}

// millionNetworks is a file of so many lines, of all kinds.
func millionNetworks(t testing.TB) string {
	var text bytes.Buffer
	for i := range 1_000_000 {
		switch i % 4 {
		case 0:
			fmt.Fprintf(&text, "10.%d.%d.%d\n", i>>16&255, i>>8&255, i&255)
		case 1:
			fmt.Fprintf(&text, "%d.%d.%d.0/24\r\n", 20+i>>16, i>>8&255, i&255)
		case 2:
			fmt.Fprintf(&text, "2001:db8:%x:%x::/64 # %d\n", i>>16, i&0xffff, i)
		case 3:
			fmt.Fprintf(&text, "2001:db9::%x:%x\n", i>>16, i&0xffff)
		}
	}
	path := filepath.Join(t.TempDir(), "million.txt")
	write(t, path, text.String())
	return path
}

// TestMillionNetworks: they are all there. Time and memory are printed.
func TestMillionNetworks(t *testing.T) {
	path := millionNetworks(t)
	before, began := heap(), time.Now()
	n := networksOf(t, Network{Name: "million", File: path})
	took := time.Since(began)
	t.Logf("1,000,000 lines in %v, %d MiB", took.Round(time.Millisecond), (heap()-before)>>20)
	began = time.Now()
	if changed, err := n.Refresh(); changed != nil || err != nil {
		t.Errorf("changed %v, error %v", changed, err)
	}
	t.Logf("unchanged: %v", time.Since(began).Round(time.Millisecond))
	for i := 0; i < 1_000_000; i += 4 * 97 {
		for _, in := range []string{
			fmt.Sprintf("10.%d.%d.%d", i>>16&255, i>>8&255, i&255),
			fmt.Sprintf("2001:db8:%x:%x::77", (i+2)>>16, (i+2)&0xffff),
			fmt.Sprintf("2001:db9::%x:%x", (i+3)>>16, (i+3)&0xffff),
		} {
			if n.Of(addr(in)) == nil {
				t.Fatalf("%s is missing", in)
			}
		}
		if out := fmt.Sprintf("10.%d.%d.%d", i>>16&255, i>>8&255, i&255|1); n.Of(addr(out)) != nil {
			t.Fatalf("%s is in", out)
		}
	}
}

// heap is what is in use, in bytes, after a collection.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
