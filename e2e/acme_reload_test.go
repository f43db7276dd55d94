package e2e

import (
	"syscall"
	"testing"
)

// reload makes the running popgate read the configuration as it is now.
func (s *site) reload(t testing.TB) {
	t.Helper()
	s.save(t)
	s.signal(t, syscall.SIGHUP)
}

// TestReloadChangesHosts: SIGHUP gets certificates for hosts that are new, a tenant's too, and for no other; a host that
// is taken out is refused, and can't be renewed.
func TestReloadChangesHosts(t *testing.T) {
	t.Parallel()
	const second, tenants = "pop.second.example", "pop.tenant.example"
	ca := startPebble(t, pebbleOptions{})
	s := newSite(t, ca, acmeHost)
	s.start(t)
	s.obtains(t, acmeHost)
	first := s.certificate(t, acmeHost)

	s.hosts = append(s.hosts, second)
	s.more = "tenant \"t\" {\n hosts = [\"" + tenants + "\"]\n domains = [\"tenant.example\"]\n backend = \"legacy\"\n}\n"
	s.reload(t)
	for _, host := range []string{second, tenants} {
		s.obtains(t, host)
		s.certificate(t, host)
	}
	ca.ordered(t, 3)
	if again := s.certificate(t, acmeHost); !again.Equal(first) {
		t.Error("a reload changed the certificate of a host that stayed")
	}

	s.hosts = []string{acmeHost}
	s.reload(t)
	eventually(t, "the host that was taken out is refused", func() bool {
		_, err := greet(s.port, s.client(t, second))
		return unrecognized(err)
	})
	if _, r := s.cert(t, "renew", second); r.code != 1 {
		t.Errorf("popgate cert renew of a host that was taken out ended with code %d, want 1", r.code)
	}
	s.certificate(t, tenants)
	s.reads(t, s.at(acmeHost, s.port))

	// It comes back with the certificate that it had.
	s.hosts = []string{acmeHost, second}
	s.reload(t)
	eventually(t, "the host that came back is served", func() bool {
		_, err := greet(s.port, s.client(t, second))
		return err == nil
	})
	s.ordersNoMore(t, 3)
}
