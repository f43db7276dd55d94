package proxy_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"popgate/internal/poptest"
)

// lookUps is a resolver that tests fill.
type lookUps struct {
	addrs map[string][]netip.Addr
	asked []string
}

func (l *lookUps) lookUp(_ context.Context, host string) ([]netip.Addr, error) {
	l.asked = append(l.asked, host)
	addrs, known := l.addrs[host]
	if !known {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return addrs, nil
}

// A backend's host names are looked up at each login, and all that they stand
// for is tried in order, as long as no password was sent (rule 5).
func TestHostNamesOfBackends(t *testing.T) {
	here, there := netip.MustParseAddr("192.0.2.110"), netip.MustParseAddr("192.0.2.120")
	for _, test := range []struct {
		name      string
		addresses []string
		hosts     map[string][]netip.Addr
		tried     []string // dialled, but for the one that is there
		reply     string
	}{
		{"one address", []string{"old.example:110"}, map[string][]netip.Addr{"old.example": {here}}, nil, "+OK"},
		{"the second of one name", []string{"old.example:110"}, map[string][]netip.Addr{"old.example": {there, here}}, []string{"192.0.2.120:110"}, "+OK"},
		{"the second name", []string{"old.example:110", "new.example:110"}, map[string][]netip.Addr{"old.example": {there, there}, "new.example": {here}}, []string{"192.0.2.120:110", "192.0.2.120:110"}, "+OK"},
		{"a name that is not there", []string{"old.example:110", "192.0.2.110:110"}, nil, nil, "+OK"},
		{"IPv4 in IPv6", []string{"old.example:110"}, map[string][]netip.Addr{"old.example": {netip.MustParseAddr("::ffff:192.0.2.110")}}, nil, "+OK"},
		{"no name is there", []string{"old.example:110", "new.example:110"}, nil, nil, "-ERR [SYS/TEMP]"},
		{"a name without an address", []string{"old.example:110"}, map[string][]netip.Addr{"old.example": {}}, nil, "-ERR [SYS/TEMP]"},
		{"… and another one", []string{"old.example:110", "192.0.2.110:110"}, map[string][]netip.Addr{"old.example": {}}, nil, "+OK"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				names := &lookUps{addrs: test.hosts}
				h := newHall(t, obliging, func(p *plan) {
					p.server.LookUp = names.lookUp
					p.routes.Backends[0].Addresses = test.addresses
				})
				defer h.close()
				for range 2 {
					m, err := h.dial()
					if err == nil {
						err = m.asks("USER joe", "+OK", "PASS sesame", test.reply)
					}
					if err != nil {
						t.Error(err)
					}
					_ = m.under.Close()
					synctest.Wait()
				}
				for _, address := range test.tried {
					want := 2 * len(slices.DeleteFunc(slices.Clone(test.tried), func(a string) bool { return a != address }))
					if n := h.network.Dials(address); n != want {
						t.Errorf("%s was dialled %d times", address, n)
					}
				}
				if len(test.addresses) == 1 && len(names.asked) != 2 {
					t.Errorf("looked up: %q", names.asked)
				}
			})
		})
	}
}

// A proxy that would log in to itself refuses, as an operator's mistake, and does
// not go round in circles: with real sockets, on a listener of one address and
// on one of all.
func TestProxyDialsItself(t *testing.T) {
	for _, listener := range []string{"127.0.0.1:0", ":0"} {
		t.Run(listener, func(t *testing.T) {
			var s *stand
			s = newStand(t, "old.example:110", func(p *plan) {
				p.settings.Listeners[0].Address = listener
				p.server.LookUp = (&lookUps{addrs: map[string][]netip.Addr{"old.example": {netip.MustParseAddr("127.0.0.1")}}}).lookUp
				p.server.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
					_, port, err := net.SplitHostPort(s.addr())
					if err != nil {
						return nil, err
					}
					var d net.Dialer
					return d.DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
				}
			})
			defer s.close()
			_, port, err := net.SplitHostPort(s.addr())
			if err != nil {
				t.Fatal(err)
			}
			s.connect = func() (net.Conn, error) { return net.Dial("tcp", net.JoinHostPort("127.0.0.1", port)) }
			m, err := s.dial()
			if err != nil {
				t.Fatal(err)
			}
			defer m.under.Close()
			if err := m.asks("USER joe", "+OK", "PASS sesame", "-ERR [SYS/PERM]"); err != nil {
				t.Error(err)
			}
			if rest, err := readAll(m.in); rest != "" || err != nil {
				t.Errorf("then came %q, %v", rest, err)
			}
			_ = m.under.Close()
			s.log.await(t, sessionLine, 2) // the client's, and the one that it made
			if n := s.ended(); n != 2 {
				t.Errorf("%d sessions", n)
			}
			if !strings.Contains(s.log.String(), "backend is this popgate itself") {
				t.Error("no operator is told")
			}
		})
	}
}

// A backend never has more sessions than its cap, however many want in at once;
// who is refused is told so and counts for nothing.
func TestBackendConnectionsCap(t *testing.T) {
	const most, clients, rounds = 3, 24, 5
	var now, peak atomic.Int64
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	backend := poptest.NewBackend(ln, func(c *poptest.BackendConn) {
		n := now.Add(1)
		for old := peak.Load(); n > old && !peak.CompareAndSwap(old, n); old = peak.Load() {
		}
		obliging(c)
		// The connection is closed after this, and a place is free when
		// the proxy has seen that.
		now.Add(-1)
	})
	defer backend.Close()
	s := newStand(t, ln.Addr().String(), func(p *plan) { p.routes.Backends[0].Connections = most })
	defer s.close()
	var work sync.WaitGroup
	var in, out atomic.Int64
	for range clients {
		work.Go(func() {
			for range rounds {
				ok, err := s.tryIn()
				switch {
				case err != nil:
					t.Error(err)
				case ok:
					in.Add(1)
				default:
					out.Add(1)
				}
			}
		})
	}
	work.Wait()
	if in.Load()+out.Load() != clients*rounds || in.Load() < most || out.Load() == 0 {
		t.Errorf("%d got in, %d were refused", in.Load(), out.Load())
	}
	if peak.Load() > most {
		t.Errorf("the backend had %d sessions at once", peak.Load())
	}
	s.log.await(t, sessionLine, clients*rounds)
	for range most {
		m, err := s.dial()
		if err != nil {
			t.Fatal(err)
		}
		defer m.under.Close()
		if err := m.login("joe", "sesame"); err != nil {
			t.Errorf("a place is not free again: %v", err)
		}
	}
}

// tryIn is a session that may be refused for want of a place.
func (s *stand) tryIn() (in bool, err error) {
	m, err := s.dial()
	if err != nil {
		return false, err
	}
	defer m.under.Close()
	if err := m.asks("USER joe", "+OK", "PASS sesame", ""); err != nil {
		return false, err
	}
	if strings.HasPrefix(m.last, "-ERR [SYS/TEMP] too many sessions") {
		return false, nil
	}
	return true, errors.Join(wanted(m.last, "+OK"), m.asks("STAT", "+OK", "QUIT", "+OK"))
}

// wanted is an error if line starts otherwise.
func wanted(line, prefix string) error {
	if !strings.HasPrefix(line, prefix) {
		return fmt.Errorf("got %q", line)
	}
	return nil
}

// A backend that is away is one warning and not one a login; that it is back
// is one line, too.
func TestBackendIsNewsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, obliging)
		defer h.close()
		try := func(reply string) {
			m, err := h.dial()
			if err == nil {
				err = m.asks("USER joe", "+OK", "PASS sesame", reply)
			}
			if err != nil {
				t.Error(err)
			}
			_ = m.under.Close()
		}
		for range 2 {
			h.network.OnDial("192.0.2.110:110", poptest.Refused)
			for range 5 {
				try("-ERR [SYS/TEMP]")
			}
			h.network.OnDial("192.0.2.110:110", nil)
			for range 5 {
				try("+OK")
			}
		}
		<-time.After(time.Minute)
		if down, back := strings.Count(h.log.String(), "backend is down"), strings.Count(h.log.String(), "backend is back"); down != 2 || back != 2 {
			t.Errorf("%d warnings and %d all-clears for two troubles", down, back)
		}
	})
}
