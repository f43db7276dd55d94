package handover

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestSystemdNames: what is meant for this process, and only if it is whole.
func TestSystemdNames(t *testing.T) {
	for _, test := range []struct {
		pid, fds, names string
		want            []string
		wrong           bool
	}{
		{"", "", "", nil, false},
		{"7", "2", "a:b", []string{"a", "b"}, false},
		{"7", "2", "", []string{"", ""}, false},
		{"7", "1", "pop3s", []string{"pop3s"}, false},
		{"7", "0", "", []string{}, false},
		{"8", "2", "a:b", nil, false},
		{"7", "2", "a", nil, true},
		{"7", "-1", "", nil, true},
		{"7", "x", "", nil, true},
		{"7", "1025", "", nil, true},
		{"7", "", "", nil, true},
		{"", "2", "a:b", nil, false},
		{"", "x", "", nil, false},
	} {
		got, err := systemdNames(test.pid, test.fds, test.names, 7)
		if !slices.Equal(got, test.want) || (err != nil) != test.wrong {
			t.Errorf("%+v: %q, %v", test, got, err)
		}
	}
}

// FuzzSystemdNames: never more sockets than there can be, and a name for each.
func FuzzSystemdNames(f *testing.F) {
	f.Add("7", "2", "a:b")
	f.Add("7", "99999999999999999999", ":")
	f.Fuzz(func(t *testing.T, pid, fds, names string) {
		got, err := systemdNames(pid, fds, names, 7)
		if err != nil && got != nil || len(got) > maxSockets {
			t.Errorf("%d names, %v", len(got), err)
		}
		if len(got) > 0 && fmt.Sprint(len(got)) != strings.TrimLeft(fds, "+0") {
			t.Errorf("%d names for %q", len(got), fds)
		}
	})
}

// FuzzUpgradeNumbers: what popgate writes is read, and nothing that isn't a list
// of different descriptors.
func FuzzUpgradeNumbers(f *testing.F) {
	f.Add("3,4,5,6", 4)
	f.Add("3,3,3", 1000)
	f.Add("-1,", 0)
	f.Fuzz(func(t *testing.T, text string, n int) {
		got, err := upgradeNumbers(text)
		if err == nil && (len(got) < 3 || len(slices.Compact(slices.Sorted(slices.Values(got)))) != len(got) || slices.Min(got) < firstFD) {
			t.Errorf("%q is %d", text, got)
		}
		if n < 3 || n > maxSockets {
			return
		}
		if back, err := upgradeNumbers(numbers(n)); err != nil || len(back) != n {
			t.Errorf("%d descriptors are read as %d, %v", n, len(back), err)
		}
	})
}
