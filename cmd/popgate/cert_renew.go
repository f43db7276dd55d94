package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"popgate/internal/admin"
	"popgate/tlsconf"
)

// renewedCertificate is what `popgate cert renew --json` writes.
type renewedCertificate struct {
	Running     bool              `json:"running"` // false: ordered by the command itself
	Certificate admin.Certificate `json:"certificate"`
}

// certRenew orders a host's certificate and shows it.
func certRenew(ctx context.Context, c *call, host string) error {
	host = tlsconf.FoldHost(host)
	renewed, err := c.renewRunning(ctx, host)
	alone := errors.Is(err, admin.ErrNotRunning)
	if alone {
		cfg, failed := c.configuration()
		if failed != nil {
			return failed
		}
		c.sayNotRunning("ordering without it, for the certificate cache")
		renewed, err = orderAlone(ctx, cfg, host, c.std.err)
	}
	if err != nil {
		return err
	}
	return c.show(renewedCertificate{!alone, renewed}, func(w io.Writer) error {
		return certificateTable([]admin.Certificate{renewed}, time.Now()).write(w)
	})
}

// renewRunning lets the running popgate order.
func (c *call) renewRunning(ctx context.Context, host string) (admin.Certificate, error) {
	client := c.client()
	if client == nil {
		return admin.Certificate{}, admin.ErrNotRunning
	}
	renewed, err := client.Renew(ctx, host)
	switch {
	case err == nil, errors.Is(err, admin.ErrNotRunning):
		return renewed, err
	case ctx.Err() != nil:
		return admin.Certificate{}, fmt.Errorf("stopped waiting: the order for %s goes on, and popgate cert list tells what becomes of it", host)
	}
	var list []admin.Certificate
	if errors.Is(err, admin.ErrUnknownHost) || errors.Is(err, admin.ErrNotAutomatic) {
		if list, _ = client.Certificates(ctx); list == nil {
			return admin.Certificate{}, fmt.Errorf("renew %s: %w", host, err)
		}
	}
	return admin.Certificate{}, explainRenewal(host, err, list)
}

// explainRenewal says why a host's certificate wasn't renewed, and what to do.
// The list is that of all certificates.
func explainRenewal(host string, err error, list []admin.Certificate) error {
	var paused *admin.PausedError
	var refused *admin.Error
	var order *admin.OrderError
	switch {
	case errors.Is(err, admin.ErrUnknownHost):
		return unknownHost(host, list)
	case errors.Is(err, admin.ErrNotAutomatic):
		return fromBlock(host, list)
	case errors.As(err, &paused):
		return fmt.Errorf("renew %s: %w\n  %s", host, paused, advice("rateLimited", host))
	case errors.As(err, &refused) && refused.Code == admin.CodePaused:
		return fmt.Errorf("renew %s: %s\n  %s", host, refused.Message, advice("rateLimited", host))
	case errors.As(err, &refused) && refused.Problem != nil:
		return orderFailed(host, refused.Problem.Type, refused.Problem.Detail, err)
	case errors.As(err, &order):
		return orderFailed(host, order.Type, order.Detail, err)
	}
	return fmt.Errorf("renew %s: %w", host, err)
}

// orderFailed gives a CA's reason and what to do about it, a line each.
func orderFailed(host, kind, detail string, err error) error {
	text := joined(kind, detail)
	if text == "" {
		text = err.Error()
	}
	return fmt.Errorf("renew %s: the order failed: %s\n  %s", host, oneLine(text, maxDetail), advice(kind, host))
}

// maxDetail bounds what others have to say, in characters.
const maxDetail = 500
