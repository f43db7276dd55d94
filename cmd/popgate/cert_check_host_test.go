package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"popgate/internal/admin"
	"popgate/internal/config"
)

var (
	loopback = netip.MustParseAddr("127.0.0.1")
	ours     = netip.MustParseAddr("192.0.2.10")
	ours6    = netip.MustParseAddr("2001:db8::10")
	theirs   = netip.MustParseAddr("198.51.100.7")
)

// resolves is a resolver that knows one answer.
func resolves(addresses ...netip.Addr) func(context.Context, string) ([]netip.Addr, error) {
	return func(context.Context, string) ([]netip.Addr, error) {
		return append([]netip.Addr(nil), addresses...), nil
	}
}

// rig is a checker in a network of its own: whoever connects to one of our
// addresses, or to another that is in ways, gets to a substitute's ports.
type rig struct {
	*checker
	here *substitute
	ways map[string]string // by address and port; "" refuses
}

func newRig(t testing.TB, written bool) *rig {
	t.Helper()
	k := newChecker(&config.Config{TLS: config.TLS{ACME: &config.ACME{
		Hosts: []string{certHost},
		HTTP:  config.Challenge{Address: "127.0.0.1:0", Written: written},
		HTTPS: config.Challenge{Address: "127.0.0.1:0", Written: written},
	}}})
	here, closeAll, err := substituteAt(t.Context(), k.gates)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(closeAll)
	r := &rig{checker: k, here: here, ways: make(map[string]string)}
	k.prober = here
	k.lookUp = resolves(ours)
	k.own = func() ([]netip.Addr, error) { return []netip.Addr{ours, ours6}, nil }
	k.dial = r.connect
	for _, a := range []netip.Addr{loopback, ours, ours6} {
		r.ways[net.JoinHostPort(a.String(), "80")] = k.gates[0].listener.Addr().String()
		r.ways[net.JoinHostPort(a.String(), "443")] = k.gates[1].listener.Addr().String()
	}
	return r
}

func (r *rig) connect(ctx context.Context, network, address string) (net.Conn, error) {
	way := r.ways[address]
	if way == "" {
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	return new(net.Dialer).DialContext(ctx, network, way)
}

// TestCheckName: what a name leads to.
func TestCheckName(t *testing.T) {
	for _, test := range []struct {
		name string
		look func(context.Context, string) ([]netip.Addr, error)
		want string
		says string
	}{
		{"ours", resolves(ours, ours6), "ok name", "resolves to 192.0.2.10, 2001:db8::10, of this machine"},
		{"ours, mapped", resolves(netip.MustParseAddr("::ffff:192.0.2.10")), "ok name", "resolves to 192.0.2.10, of this machine"},
		{"theirs", resolves(ours, theirs), "warn name", "this machine doesn't have 198.51.100.7 → fine behind NAT"},
		{"loopback", resolves(loopback), "warn name", "resolves to 127.0.0.1 here, which no CA can reach"},
		{"nothing", resolves(), "fail name", "no address → give it an A or AAAA record"},
		{"no such name", func(context.Context, string) ([]netip.Addr, error) {
			return nil, &net.DNSError{Err: "no such host", Name: certHost, IsNotFound: true}
		}, "fail name", "no such host → give it"},
		{"hostile resolver", func(context.Context, string) ([]netip.Addr, error) {
			return nil, errors.New("\x1b[2Joh\n" + strings.Repeat("x", 9999))
		},
			"fail name", "\uFFFD[2Joh x"},
		{"too many", resolves(ours, ours, ours, ours, ours, ours), "ok name", "192.0.2.10, 2 more, of"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, true)
			r.lookUp = test.look
			f, _ := r.checkName(t.Context(), certHost)
			wantFinding(t, []finding{f}, test.want+" "+certHost, test.says)
			if len(f.Detail) > 2*maxDetail {
				t.Errorf("%d octets of detail", len(f.Detail))
			}
		})
	}
}

// TestCheckNameOnMachineWithoutAddresses: what can't be compared is said.
func TestCheckNameOnMachineWithoutAddresses(t *testing.T) {
	r := newRig(t, true)
	r.own = func() ([]netip.Addr, error) { return nil, errors.New("no interfaces") }
	f, _ := r.checkName(t.Context(), certHost)
	wantFinding(t, []finding{f}, "warn name "+certHost, "192.0.2.10", "no interfaces")
}

// refusing is a popgate that has no probe.
type refusing struct{ err error }

func (r refusing) Probe(context.Context, string) (admin.Probe, error) { return admin.Probe{}, r.err }

// TestCheckHostWithoutProbe: what a running popgate says instead of a probe.
func TestCheckHostWithoutProbe(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{
		{admin.ErrNotAutomatic, "ok host"},
		{&admin.Error{Code: admin.CodeUnknownHost}, "fail host"},
		{&admin.Error{Code: admin.CodeInternal, Message: "trouble"}, "fail host"},
		{admin.ErrShuttingDown, "fail host"},
	} {
		r := newRig(t, true)
		r.prober = refusing{test.err}
		if got, want := verdicts(r.host(t.Context(), certHost)), "ok name "+certHost+", "+test.want+" "+certHost; got != want {
			t.Errorf("%v: got %s, want %s", test.err, got, want)
		}
	}
}

// TestCheckHostsBounded: of many hosts eight are looked at at once, the findings
// keep their order, and what there is no time for is counted.
func TestCheckHostsBounded(t *testing.T) {
	var names []string
	for i := range 200 {
		names = append(names, fmt.Sprintf("h%03d.example.com", i))
	}
	synctest.Test(t, func(t *testing.T) {
		var looking atomic.Int32
		let := make(chan struct{})
		k := newChecker(new(config.Config))
		k.lookUp = func(ctx context.Context, _ string) ([]netip.Addr, error) {
			looking.Add(1)
			select {
			case <-let:
				return nil, errors.New("none")
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		var found []finding
		done := make(chan struct{})
		go func() {
			defer close(done)
			found = k.hosts(t.Context(), names)
		}()
		synctest.Wait()
		if n := looking.Load(); n != hostsAtOnce {
			t.Errorf("%d at once, want %d", n, hostsAtOnce)
		}
		close(let)
		<-done
		if len(found) != len(names) {
			t.Fatalf("%d findings", len(found))
		}
		for i, f := range found {
			if f.Host != names[i] {
				t.Fatalf("finding %d is of %s", i, f.Host)
			}
		}

		let = nil
		began := time.Now()
		k.total = lookUpTime + time.Second
		found = k.hosts(t.Context(), names)
		if took := time.Since(began); took != k.total {
			t.Errorf("it takes %v, want %v", took, k.total)
		}
		wantFinding(t, found, "warn host", "192 hosts not checked", "popgate cert check HOST")
	})
}
