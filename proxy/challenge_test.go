package proxy_test

import (
	"crypto/tls"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"popgate/proxy"
)

const challengeAddress = "192.0.2.25:443"

// newChallengeHall has a second listener, at which CAs validate hosts.
func newChallengeHall(t *testing.T) *hall {
	return newHall(t, obliging, func(p *plan) {
		challenged := p.settings.TLS.Clone()
		challenged.NextProtos = []string{"pop3", "acme-tls/1"}
		p.settings.Listeners = append(p.settings.Listeners,
			proxy.Listener{Name: "https_address", Address: challengeAddress, TLS: challenged})
	})
}

// A CA that has validated a host gets its handshake and not one octet of POP3;
// the backend hears nothing of it.
func TestChallengeIsNoSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newChallengeHall(t)
		defer h.close()
		raw, err := h.dialTo(challengeAddress)
		if err != nil {
			t.Fatal(err)
		}
		defer raw.Close()
		client := h.tls.Clone()
		client.NextProtos = []string{"acme-tls/1"}
		conn := tls.Client(raw, client)
		if err := conn.Handshake(); err != nil || conn.ConnectionState().NegotiatedProtocol != "acme-tls/1" {
			t.Fatalf("agreed on %q, %v", conn.ConnectionState().NegotiatedProtocol, err)
		}
		_, _ = io.WriteString(conn, "USER joe\r\nPASS sesame\r\n") // as no CA would
		if got, err := readAll(conn); got != "" {
			t.Errorf("it is told %q, %v", got, err)
		}
		h.log.await(t, `"end":"acme_challenge"`, 1)
		if n := h.backend.Connections(); n != 0 {
			t.Errorf("%d connections to the backend", n)
		}
	})
}

// Mail clients are served at that listener, too; at others acme-tls/1 is no
// protocol that could be agreed on.
func TestChallengeListenerServesMail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newChallengeHall(t)
		defer h.close()
		for _, offer := range [][]string{nil, {"pop3"}, {"acme-tls/1", "pop3"}} {
			h.tls.NextProtos = offer
			m, err := h.dialTLS(challengeAddress)
			if err == nil {
				err = m.asks("USER joe", "+OK", "PASS sesame", "+OK", "QUIT", "+OK")
			}
			if err != nil {
				t.Errorf("%q: %v", offer, err)
			}
			_ = m.under.Close()
		}
		for address, offer := range map[string]string{hallAddress: "acme-tls/1", challengeAddress: "http/1.1"} {
			h.tls.NextProtos = []string{offer}
			if _, err := h.dialTLS(address); err == nil || !strings.Contains(err.Error(), "no application protocol") {
				t.Errorf("%s at %s: %v", offer, address, err)
			}
		}
	})
}

// An optional listener that can't be opened is done without, and tried again
// at the next reload.
func TestOptionalListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		optional := proxy.Listener{Name: "https_address", Address: "192.0.2.99:443", Optional: true}
		h := newHall(t, obliging, func(p *plan) { p.settings.Listeners = append(p.settings.Listeners, optional) })
		defer h.close()
		if h.server.Addr(optional.Address) != nil || len(h.server.Addrs()) != 1 {
			t.Errorf("listening at %v", h.server.Addrs())
		}
		h.log.await(t, "listener can't be opened, popgate does without it", 1)
		next := h.settings
		if err := h.server.Apply(h.ctx, next); err != nil {
			t.Fatal(err)
		}
		h.log.await(t, "listener can't be opened, popgate does without it", 2)
		next.Listeners = append(next.Listeners[:1:1], proxy.Listener{Name: "https_address", Address: challengeAddress, Optional: true})
		if err := h.server.Apply(h.ctx, next); err != nil {
			t.Fatal(err)
		}
		if h.server.Addr(challengeAddress) == nil {
			t.Error("not opened where it can be")
		}
		optional.Optional = false
		next.Listeners = append(next.Listeners[:1:1], optional)
		if err := h.server.Apply(h.ctx, next); err == nil {
			t.Error("one that isn't optional may be missing")
		}
		<-time.After(time.Second)
	})
}
