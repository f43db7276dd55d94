package proxy_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"popgate/proxy"
)

// newHTTPHall has a second listener, which leaves HTTP clients to serve.
func newHTTPHall(t *testing.T, serve func(context.Context, net.Conn), tweaks ...func(*plan)) *hall {
	return newHall(t, obliging, append(tweaks, func(p *plan) {
		config := p.settings.TLS.Clone()
		config.NextProtos = []string{"pop3", "acme-tls/1", "http/1.1"}
		p.settings.Listeners = append(p.settings.Listeners,
			proxy.Listener{Name: "https_address", Address: challengeAddress, TLS: config, HTTP: serve})
	})...)
}

// echo sends what one read gives, and closes.
func echo(_ context.Context, conn net.Conn) {
	defer conn.Close()
	buf := make([]byte, 1000)
	n, _ := conn.Read(buf)
	_, _ = conn.Write(buf[:n])
}

// An HTTP client gets what its server says, and no word of POP3; what looks like POP3
// there is none.
func TestHTTPIsNoSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHTTPHall(t, echo)
		defer h.close()
		for i, offer := range [][]string{{"http/1.1"}, {"h2", "http/1.1"}} {
			raw, err := h.dialTo(challengeAddress)
			if err != nil {
				t.Fatal(err)
			}
			client := h.tls.Clone()
			client.NextProtos = offer
			conn := tls.Client(raw, client)
			if err := conn.Handshake(); err != nil || conn.ConnectionState().NegotiatedProtocol != "http/1.1" {
				t.Fatalf("agreed on %q, %v", conn.ConnectionState().NegotiatedProtocol, err)
			}
			const said = "USER joe\r\nPASS sesame\r\nQUIT\r\n"
			_, _ = io.WriteString(conn, said)
			if got, err := readAll(conn); got != said || err != nil {
				t.Errorf("it gets %q, %v", got, err)
			}
			h.log.await(t, `"end":"http"`, i+1)
			_ = raw.Close()
		}
		if n := h.backend.Connections(); n != 0 || strings.Contains(h.log.String(), "sesame") {
			t.Errorf("%d connections to the backend, log %s", n, h.log)
		}
	})
}

// Mail clients are served at that listener as ever; where no HTTP is spoken, none can
// be agreed on.
func TestHTTPListenerServesMail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHTTPHall(t, func(_ context.Context, conn net.Conn) {
			t.Error("a mail client is taken for one of HTTP")
			_ = conn.Close()
		})
		defer h.close()
		for _, offer := range [][]string{nil, {"pop3"}, {"http/1.1", "pop3"}} {
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
		h.tls.NextProtos = []string{"http/1.1"}
		if _, err := h.dialTLS(hallAddress); err == nil || !strings.Contains(err.Error(), "no application protocol") {
			t.Errorf("at the other listener: %v", err)
		}
	})
}

// A connection keeps its place while HTTP is spoken on it: who comes when there is no
// room is closed without a word of POP3. Draining ends what is open.
func TestHTTPHoldsItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := make(chan struct{})
		h := newHTTPHall(t, func(ctx context.Context, conn net.Conn) {
			close(begun)
			<-ctx.Done()
			_ = conn.Close()
		}, func(p *plan) { p.rules.Limits.Connections = 1 })
		h.tls.NextProtos = []string{"http/1.1"}
		dial := func() net.Conn {
			raw, err := h.dialTo(challengeAddress)
			if err != nil {
				t.Fatal(err)
			}
			conn := tls.Client(raw, h.tls)
			if err := conn.Handshake(); err != nil {
				t.Fatal(err)
			}
			return conn
		}
		first := dial()
		<-begun
		second := dial()
		if got, _ := readAll(second); got != "" {
			t.Errorf("where there is no room it is told %q", got)
		}
		h.log.await(t, `"end":"no_room"`, 1)
		h.close()
		if got, _ := readAll(first); got != "" {
			t.Errorf("at the end it is told %q", got)
		}
		h.log.await(t, `"end":"http"`, 1)
		_ = first.Close()
		_ = second.Close()
	})
}
