package logs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
)

// sampled is a log behind a sampler.
type sampled struct {
	hclog.Logger
	*Sampler
	mu  sync.Mutex
	out bytes.Buffer
}

func newSampled(opts SamplerOptions) *sampled {
	s := &sampled{Sampler: NewSampler(opts)}
	s.Logger = hclog.New(&hclog.LoggerOptions{
		Output: s, DisableTime: true, Level: hclog.Debug, Exclude: s.Exclude,
	})
	return s
}

func (s *sampled) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.Write(p)
}

// next returns the lines since the last call.
func (s *sampled) next() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := strings.TrimSuffix(s.out.String(), "\n")
	s.out.Reset()
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// run runs the sampler until the test ends it.
func (s *sampled) run(t *testing.T) (end func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { s.Run(ctx, s) })
	return func() {
		cancel()
		running.Wait()
	}
}

// wants compares the lines since the last call.
func (s *sampled) wants(t *testing.T, want ...string) {
	t.Helper()
	if got := s.next(); !slices.Equal(got, want) {
		t.Errorf("the log has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestWindows: the first five are logged, the end of the window tells how many
// more there were, and the next one begins anew.
func TestWindows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSampled(SamplerOptions{})
		defer s.run(t)()
		const line = "[WARN]  backend is down: backend=east error=refused"
		for range 12 {
			s.Warn("backend is down", "backend", "east", "error", "refused")
			time.Sleep(time.Millisecond)
		}
		s.wants(t, slices.Repeat([]string{line}, 5)...)
		time.Sleep(9 * time.Second)
		s.wants(t)
		time.Sleep(time.Second)
		synctest.Wait()
		s.wants(t, `[WARN]  repeated: repeated_message="backend is down" count=7 backend=east`)
		time.Sleep(time.Minute)
		synctest.Wait()
		s.wants(t)
		s.Warn("backend is down", "backend", "east", "error", "refused")
		s.wants(t, line)
	})
}

// TestEndTellsTheRest: and nothing is left out behind it.
func TestEndTellsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSampled(SamplerOptions{First: 1})
		end := s.run(t)
		s.Error("a")
		s.Error("a")
		s.Error("a")
		end()
		s.Error("a")
		s.Error("a")
		s.wants(t, "[ERROR] a", `[ERROR] repeated: repeated_message=a count=2`, "[ERROR] a", "[ERROR] a")
	})
}

// TestKinds: which lines are one kind.
func TestKinds(t *testing.T) {
	long := strings.Repeat("ä", 150)
	for _, test := range []struct {
		name string
		log  func(hclog.Logger) // twice
		want string             // the line that stands for the second; "": it is logged
	}{
		{"info", func(l hclog.Logger) { l.Info("session", "backend", "x") }, ""},
		{"debug", func(l hclog.Logger) { l.Debug("refused") }, ""},
		{"the line that stands for others", func(l hclog.Logger) { l.Warn("repeated") }, ""},
		{"no key", func(l hclog.Logger) { l.Warn("m", "error", "x") }, "repeated_message=m count=1"},
		{"no value", func(l hclog.Logger) { l.Warn("m", "host") }, "repeated_message=m count=1"},
		{"no text as a key", func(l hclog.Logger) { l.Warn("m", 7, "x", nil, nil) }, "repeated_message=m count=1"},
		{"first of the keys", func(l hclog.Logger) { l.Warn("m", "address", "a:1", "error", "x", "backend", "b") },
			"repeated_message=m count=1 backend=b"},
		{"quoted", func(l hclog.Logger) { l.Warn("m", "host", hclog.Quote("a\nb")) }, `repeated_message=m count=1 host="a\nb"`},
		{"error", func(l hclog.Logger) { l.Warn("m", "address", errors.New("a\tb")) }, `repeated_message=m count=1 address="a\tb"`},
		{"stringer", func(l hclog.Logger) { l.Warn("m", "address", netip.MustParseAddrPort("[::1]:995")) },
			"repeated_message=m count=1 address=[::1]:995"},
		{"nil", func(l hclog.Logger) { l.Warn("m", "address", nil) }, "repeated_message=m count=1 address=<nil>"},
		{"nil pointer", func(l hclog.Logger) { l.Warn("m", "address", (*netip.Addr)(nil)) }, "repeated_message=m count=1 address=<nil>"},
		{"list", func(l hclog.Logger) { l.Warn("m", "networks", []int{1, 2}) }, `repeated_message=m count=1 networks="[1 2]"`},
		{"long", func(l hclog.Logger) { l.Warn(long, "host", long) },
			fmt.Sprintf("repeated_message=%q count=1 host=%[1]q", long[:maxText])},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSampled(SamplerOptions{First: 1})
			test.log(s)
			if n := len(s.next()); n != 1 {
				t.Fatalf("%d lines of the first one", n)
			}
			test.log(s)
			logged := s.next()
			s.Flush(s)
			if test.want == "" {
				if len(logged) != 1 {
					t.Errorf("%d lines of the second one", len(logged))
				}
				s.wants(t)
				return
			}
			if len(logged) > 0 {
				t.Errorf("the second one is logged: %q", logged)
			}
			s.wants(t, "[WARN]  repeated: "+test.want)
		})
	}
}

// TestKindsAreToldApart: by level, message and value, and reported in the order
// in which they came.
func TestKindsAreToldApart(t *testing.T) {
	s := newSampled(SamplerOptions{First: 1})
	for range 3 {
		s.Warn("m", "host", "b")
		s.Warn("m", "host", "a")
		s.Error("m", "host", "a")
		s.Warn("n", "host", "a")
		s.Warn("m", "address", "a")
	}
	s.wants(t, "[WARN]  m: host=b", "[WARN]  m: host=a", "[ERROR] m: host=a", "[WARN]  n: host=a", "[WARN]  m: address=a")
	s.Flush(s)
	s.wants(t,
		"[WARN]  repeated: repeated_message=m count=2 host=b",
		"[WARN]  repeated: repeated_message=m count=2 host=a",
		"[ERROR] repeated: repeated_message=m count=2 host=a",
		"[WARN]  repeated: repeated_message=n count=2 host=a",
		"[WARN]  repeated: repeated_message=m count=2 address=a")
}

// TestKindsAreBounded: what is too much shares a row for each level.
func TestKindsAreBounded(t *testing.T) {
	s := newSampled(SamplerOptions{First: 2, Kinds: 10})
	for i := range 100 {
		s.Warn("m", "host", fmt.Sprint(i))
		s.Error("m", "host", fmt.Sprint(i))
	}
	if n := len(s.next()); n != 10+2+2 || len(s.rows) != 12 || len(s.at) != 12 {
		t.Errorf("%d lines, %d rows, %d keys", n, len(s.rows), len(s.at))
	}
	s.Flush(s)
	s.wants(t, "[WARN]  repeated: repeated_message=other count=93", "[ERROR] repeated: repeated_message=other count=93")
}

// TestSamplerTakesEveryCaller: nothing is lost between windows.
func TestSamplerTakesEveryCaller(t *testing.T) {
	s := newSampled(SamplerOptions{Window: time.Millisecond, First: 3})
	end := s.run(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 500 {
				s.Warn("m", "host", fmt.Sprint(i%3))
			}
		})
	}
	all.Wait()
	end()
	total := 0
	for _, line := range s.next() {
		n := 1
		if _, count, found := strings.Cut(line, " count="); found {
			if _, err := fmt.Sscan(count, &n); err != nil {
				t.Fatal(err)
			}
		}
		total += n
	}
	if total != 4000 {
		t.Errorf("%d lines are logged or counted, want 4000", total)
	}
}

// What is a record is whole, and takes no place from other lines.
func TestWholeMessages(t *testing.T) {
	s := newSampled(SamplerOptions{First: 1, Whole: []string{"record"}})
	for range 3 {
		s.Warn("record", "user", "joe")
		s.Warn("trouble")
	}
	s.Flush(s.Logger)
	want := []string{"[WARN]  record: user=joe", "[WARN]  trouble", "[WARN]  record: user=joe", "[WARN]  record: user=joe", "[WARN]  repeated: repeated_message=trouble count=2"}
	if got := s.next(); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
