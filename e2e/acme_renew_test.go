package e2e

import (
	"crypto/tls"
	"sync"
	"testing"
	"time"
)

// load is clients that come again and again.
type load struct {
	end     chan struct{}
	clients sync.WaitGroup

	mu           sync.Mutex
	count        int // of handshakes
	failures     []error
	certificates map[string]bool
	keys         map[string]bool
}

// startLoad begins clients that connect to the port with these options, 40 times a second each, until stop.
func startLoad(t testing.TB, clients, port int, options *tls.Config) *load {
	l := &load{end: make(chan struct{}), certificates: map[string]bool{}, keys: map[string]bool{}}
	for range clients {
		l.clients.Go(func() {
			tick := time.NewTicker(25 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
					l.add(greet(port, options))
				case <-l.end:
					return
				}
			}
		})
	}
	t.Cleanup(l.stop)
	return l
}

func (l *load) add(state tls.ConnectionState, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count++
	if err != nil {
		l.failures = append(l.failures, err)
		return
	}
	leaf := state.PeerCertificates[0]
	l.certificates[string(leaf.Raw)] = true
	l.keys[string(leaf.RawSubjectPublicKeyInfo)] = true
}

// seen is how many different certificates the clients have seen, and of how many keys.
func (l *load) seen() (certificates, keys int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.certificates), len(l.keys)
}

// stop waits for the clients' ends.
func (l *load) stop() {
	select {
	case <-l.end:
	default:
		close(l.end)
	}
	l.clients.Wait()
}

// TestRenewalBreaksNoHandshake: while clients come all the time, a certificate is renewed before it expires, with a
// new key, and no handshake fails.
func TestRenewalBreaksNoHandshake(t *testing.T) {
	t.Parallel()
	ca := startPebble(t, pebbleOptions{validity: 30 * time.Second})
	s := newSite(t, ca, acmeHost)
	s.start(t)
	s.obtains(t, acmeHost)
	clients := startLoad(t, 4, s.port, s.client(t, acmeHost))
	s.log.wait(t, 1, about(logRenewed, acmeHost))
	eventually(t, "clients see the new certificate", func() bool {
		certificates, _ := clients.seen()
		return certificates >= 2
	})
	clients.stop()
	certificates, keys := clients.seen()
	if keys != certificates {
		t.Errorf("%d certificates have %d keys, want one each", certificates, keys)
	}
	if len(clients.failures) != 0 {
		t.Errorf("%d of %d handshakes failed, the first one: %v", len(clients.failures), clients.count, clients.failures[0])
	}
	if got := ca.record(); got.failed != 0 || got.orders != certificates {
		t.Errorf("Pebble did %+v, but clients saw %d certificates", got, certificates)
	}
}
