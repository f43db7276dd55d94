package main

import (
	"fmt"
	"math"
	"os/exec"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/hashicorp/go-hclog"

	"popgate/authz"
	"popgate/internal/config"
)

// TestSessionsFor: two descriptors a session, and some to spare, but not all.
func TestSessionsFor(t *testing.T) {
	for _, test := range []struct {
		descriptors uint64
		want        int
	}{
		{0, 1}, {1, 1}, {4, 1}, {8, 2}, {64, 16}, {127, 32}, {128, 32}, {255, 64},
		{256, 64}, {258, 65}, {1024, 448}, {4096, 1984}, {20128, 10000}, {65536, 32704}, {1 << 20, 524224},
		{math.MaxInt64, 1 << 30}, {math.MaxUint64, 1 << 30},
	} {
		if got := sessionsFor(test.descriptors); got != test.want {
			t.Errorf("%d descriptors: %d sessions, want %d", test.descriptors, got, test.want)
		}
	}
}

// FuzzSessionsFor: what fits never needs more than there is, and more
// descriptors never mean fewer sessions.
func FuzzSessionsFor(f *testing.F) {
	for _, n := range []uint64{0, 127, 128, 1024, 1 << 31, 1<<31 + 14, math.MaxUint64} {
		f.Add(n)
	}
	f.Fuzz(func(t *testing.T, descriptors uint64) {
		n := sessionsFor(descriptors)
		if n < 1 {
			t.Fatalf("%d sessions", n)
		}
		if spare := descriptors - 2*uint64(n); n > 1 && (spare > descriptors || spare < min(spareDescriptors, descriptors/2)) {
			t.Errorf("%d sessions leave %d of %d descriptors", n, spare, descriptors)
		}
		if polite := politeFor(descriptors); polite < 1 || polite > mostPolite || descriptors >= 8 && uint64(polite) > descriptors/8 {
			t.Errorf("%d descriptors: %d connections are told of no room", descriptors, polite)
		}
		if descriptors < math.MaxUint64 && sessionsFor(descriptors+1) < n {
			t.Errorf("one descriptor more makes fewer than %d sessions", n)
		}
	})
}

// TestFit: the limit is lowered to what fits, which is told, and never raised;
// then strangers get half of it at most.
func TestFit(t *testing.T) {
	descriptors, err := raiseDescriptors()
	if err != nil {
		t.Fatal(err)
	}
	most := sessionsFor(descriptors)
	for _, test := range []struct{ asked, want int }{
		{1, 1}, {most - 1, most - 1}, {most, most}, {most + 1, most}, {math.MaxInt, most},
	} {
		log := newOutput()
		s := &service{lasting: lasting{log: hclog.New(&hclog.LoggerOptions{Output: log})}}
		asked := authz.Limits{Connections: test.asked, ConnectionsPerIP: 7, ConnectionsBeforeLogin: math.MaxInt}
		got, err := s.fit(asked)
		if err != nil {
			t.Fatal(err)
		}
		want := asked
		want.Connections = test.want
		if test.want < test.asked {
			want.ConnectionsBeforeLogin = test.want / 2
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%+v becomes %+v, want %+v", asked, got, want)
		}
		if warned := strings.Contains(log.String(), fmt.Sprintf("lowered_to=%d", most)); warned != (test.asked > most) {
			t.Errorf("%d connections: the log has %q", test.asked, log)
		}
	}
}

// TestFitOfDefault: it warns of what somebody has written only.
func TestFitOfDefault(t *testing.T) {
	for connections, level := range map[int]string{config.DefaultConnections(): "[INFO]", math.MaxInt: "[WARN]"} {
		log := newOutput()
		s := &service{lasting: lasting{log: hclog.New(&hclog.LoggerOptions{Output: log})}}
		if _, err := s.fit(authz.Limits{Connections: connections}); err != nil {
			t.Fatal(err)
		}
		if text := log.String(); text != "" && !strings.Contains(text, level) {
			t.Errorf("%d connections: %s", connections, text)
		}
	}
}

// TestFewDescriptors: with 300 descriptors there are 86 sessions, whatever the
// configuration says.
func TestFewDescriptors(t *testing.T) {
	t.Parallel()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("SKIPPED: no shell to set a limit with")
	}
	s := newSite(t)
	p := start(t, nil, shell, "-c", `ulimit -n 300 && exec "$@"`, "sh", program, "serve", "--config", s.config)
	p.log(t, 1, `\[INFO\] .*limits\.connections is lowered .*: connections=10000 lowered_to=86 descriptors=300\n`)
	s.login(t, p.log(t, 1, listening)[1], alice).quit()
	runHere(t, "config", "--config", s.config).wantCode(t, exitOK, "  connections              = 86\n", "  connections_before_login = 43\n")
	p.signal(t, syscall.SIGTERM)
	p.exit(t, exitOK)
}
