package load

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"fmt"

	"popgate/bench/internal/maildrop"
)

// Sessions runs whole sessions, so many in all and so many at once: connect,
// full TLS 1.3 handshake, USER, PASS, STAT, QUIT, until the proxy has closed.
// An operation of the result is one session.
func Sessions(ctx context.Context, t Target, atOnce, times int) (Result, error) {
	want := maildrop.Stat(t.Messages)
	buffers := make([][lineBuffer]byte, atOnce)
	return each(ctx, atOnce, times, func(ctx context.Context, worker int) error {
		c, err := dial(ctx, t, buffers[worker][:])
		if err != nil {
			return err
		}
		if err := c.login(t); err != nil {
			c.close()
			return err
		}
		if err := c.stat(want); err != nil {
			c.close()
			return err
		}
		return c.quit()
	})
}

// Handshake is what a proxy and the generator agreed upon.
type Handshake struct {
	Version     string `json:"version"`
	Cipher      string `json:"cipher"`
	KeyExchange string `json:"key_exchange"`
}

// Check runs one session in which every message is fetched and its content
// compared by hash, and tells what the handshake came to.
func Check(ctx context.Context, t Target) (Handshake, error) {
	c, err := dial(ctx, t, make([]byte, mailBuffer))
	if err != nil {
		return Handshake{}, err
	}
	defer c.close()
	state := c.conn.ConnectionState()
	if err := c.login(t); err != nil {
		return Handshake{}, err
	}
	if err := c.stat(maildrop.Stat(t.Messages)); err != nil {
		return Handshake{}, err
	}
	for i, m := range t.Messages {
		if err := c.arm(ctx); err != nil {
			return Handshake{}, err
		}
		sum := sha256.New()
		if err := c.retrieve(i+1, m, sum); err != nil {
			return Handshake{}, err
		}
		if [sha256.Size]byte(sum.Sum(nil)) != m.Sum {
			return Handshake{}, fmt.Errorf("RETR %d: the content was changed on its way", i+1)
		}
	}
	return Handshake{
		Version:     tls.VersionName(state.Version),
		Cipher:      tls.CipherSuiteName(state.CipherSuite),
		KeyExchange: state.CurveID.String(),
	}, c.quit()
}
