package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/netutil"

	"popgate/internal/config"
	"popgate/tlsconf"
)

// gate is an address at which a CA asks for challenges. A command opens it as no
// popgate runs that would have it open.
type gate struct {
	config.Challenge
	word     string       // of the configuration
	kind     string       // of the challenges: tlsconf.HTTP01 or tlsconf.TLSALPN01
	listener net.Listener // nil: it couldn't be opened
	err      error        // why not
}

// gates are those that a configuration has, in the order in which to try them.
type gates []*gate

// gatesOf returns the gates of a configuration, closed.
func gatesOf(acme *config.ACME) gates {
	var all gates
	for _, g := range []*gate{
		{Challenge: acme.HTTP, word: "http_address", kind: tlsconf.HTTP01},
		{Challenge: acme.HTTPS, word: "https_address", kind: tlsconf.TLSALPN01},
	} {
		if g.Address != "" {
			all = append(all, g)
		}
	}
	return all
}

// open opens what can be opened.
func (all gates) open(ctx context.Context) {
	for _, g := range all {
		var listen net.ListenConfig
		l, err := listen.Listen(ctx, "tcp", g.Address)
		if err != nil {
			g.err = fmt.Errorf("%s: %w", g.word, err)
			continue
		}
		g.listener = netutil.LimitListener(l, tlsconf.ChallengeConnections)
	}
}

// kinds are the types of challenges that can be answered.
func (all gates) kinds() (kinds []string) {
	for _, g := range all {
		if g.listener != nil {
			kinds = append(kinds, g.kind)
		}
	}
	return kinds
}

// needed tells whether a gate that is closed is a failure: what the
// configuration doesn't name itself may be missing as long as another is open.
func (all gates) needed(g *gate) bool { return g.Written || len(all.kinds()) == 0 }

// problem joins the failures.
func (all gates) problem() error {
	var failed []error
	for _, g := range all {
		if g.err != nil && all.needed(g) {
			failed = append(failed, fmt.Errorf("%w: %s", g.err, mendGate(g.err)))
		}
	}
	return errors.Join(failed...)
}

// mendGate says what to do about an address that can't be opened.
func mendGate(err error) string {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return "another program has it: stop that one, or ask a popgate that runs through its admin socket"
	case errors.Is(err, syscall.EACCES):
		return "run this as a user that may open it (ports below 1024: root, or CAP_NET_BIND_SERVICE)"
	}
	return "check the address"
}

// warn tells of gates that are closed and not needed.
func (all gates) warn(w io.Writer) {
	for _, g := range all {
		if g.err != nil && !all.needed(g) {
			fmt.Fprintf(w, "popgate: %v: doing without %s\n", g.err, g.kind)
		}
	}
}

// serve answers at the open gates: HTTP by handler, TLS by config. The function
// that it returns closes the gates and waits for everything behind them.
func (all gates) serve(handler http.Handler, config *tls.Config) (closeAll func()) {
	ctx, cancel := context.WithCancel(context.Background())
	server := tlsconf.NewChallengeServer(handler)
	server.ErrorLog = log.New(io.Discard, "", 0) // strangers' mistakes
	var serving sync.WaitGroup
	for _, g := range all {
		switch {
		case g.listener == nil:
		case g.kind == tlsconf.HTTP01:
			serving.Go(func() { _ = server.Serve(g.listener) })
		default:
			serving.Go(func() { shakeHands(ctx, g.listener, config) })
		}
	}
	return func() {
		cancel()
		_ = server.Close()
		all.close()
		serving.Wait()
	}
}

// close closes the gates.
func (all gates) close() {
	for _, g := range all {
		if g.listener != nil {
			_ = g.listener.Close()
		}
	}
}

// handshakeTime bounds a handshake with a CA, or with whoever comes.
const handshakeTime = 10 * time.Second

// shakeHands does nothing but TLS handshakes, which is all that TLS-ALPN-01
// needs (RFC 8737 §3), until l is closed or fails. The end of ctx ends those
// under way.
func shakeHands(ctx context.Context, l net.Listener, config *tls.Config) {
	var shaking sync.WaitGroup
	defer shaking.Wait()
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		shaking.Go(func() {
			defer conn.Close()
			ctx, cancel := context.WithTimeout(ctx, handshakeTime)
			defer cancel()
			secure := tls.Server(conn, config)
			if secure.HandshakeContext(ctx) == nil {
				_ = secure.Close()
			}
		})
	}
}

// String names the addresses, for people.
func (all gates) String() string {
	var words []string
	for _, g := range all {
		words = append(words, g.word+" "+g.Address)
	}
	return strings.Join(words, " and ")
}
