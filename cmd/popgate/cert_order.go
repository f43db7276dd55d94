package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"popgate/internal/admin"
	"popgate/internal/config"
	"popgate/tlsconf"
)

// orderAlone orders a host's certificate as no popgate runs that could, and puts
// it into the cache: it opens the addresses at which the CA asks for the moment.
// What it must do without is told to w.
func orderAlone(ctx context.Context, cfg *config.Config, host string, w io.Writer) (admin.Certificate, error) {
	desk, err := deskOf(cfg)
	if err != nil {
		return admin.Certificate{}, err
	}
	if err := desk.ordered(host); err != nil {
		return admin.Certificate{}, explainRenewal(host, err, desk.printable())
	}
	cfg = onlyHost(cfg, host)
	if err := fitCache(cfg.TLS.ACME); err != nil {
		return admin.Certificate{}, err
	}
	if desk, err = deskOf(cfg); err != nil {
		return admin.Certificate{}, err
	}
	all := gatesOf(cfg.TLS.ACME)
	all.open(ctx)
	if err := all.problem(); err != nil {
		all.close()
		return admin.Certificate{}, err
	}
	all.warn(w)
	renewed, err := desk.order(ctx, all, host)
	switch {
	case ctx.Err() != nil && err != nil:
		return admin.Certificate{}, fmt.Errorf("stopped: the order for %s was called off", host)
	case err != nil:
		return admin.Certificate{}, explainRenewal(host, err, desk.printable())
	}
	return renewed, kept(cfg, renewed)
}

// fitCache tells what is wrong with the cache before something is ordered: each
// order counts against the CA's limits.
func fitCache(acme *config.ACME) error {
	if bad := failures(checkCache(acme)); len(bad) > 0 {
		return fmt.Errorf("certificate cache: %s: %s", bad[0].Detail, bad[0].Hint)
	}
	there, err := nearestFolder(tlsconf.NewFolder(acme.Cache, acme.Directory).Path())
	if owner, foreign := foreignOwner(there); err == nil && foreign {
		hint := asOwner(owner)
		if ofDynamicUser(there) {
			hint = "start popgate, which does it by itself: systemctl start popgate"
		}
		return fmt.Errorf("certificate cache: %s belongs to user %d, who can't read what root puts there: %s", there, owner, hint)
	}
	return err
}

// ordered tells why no certificate is ordered for a host: admin.ErrUnknownHost
// or admin.ErrNotAutomatic.
func (d *certificateDesk) ordered(host string) error {
	is := func(c admin.Certificate) bool { return c.Source == admin.SourceACME && c.Name == host }
	switch {
	case slices.ContainsFunc(d.List(), is):
		return nil
	case d.fromFile(host):
		return admin.ErrNotAutomatic
	}
	return admin.ErrUnknownHost
}

// onlyHost is a configuration that orders for one host: others that may be due
// are not this command's business.
func onlyHost(cfg *config.Config, host string) *config.Config {
	acme := *cfg.TLS.ACME
	acme.Hosts = []string{host}
	only := *cfg
	only.TLS.ACME, only.Tenants = &acme, nil
	return &only
}

// order does what a running popgate would do, from the opening of all gates to
// the last write into the cache.
func (d *certificateDesk) order(ctx context.Context, all gates, host string) (admin.Certificate, error) {
	source := d.current.Load()
	// A first look brings the host in force. It orders nothing by itself, as
	// nothing could be answered yet: the order is to be ours.
	look, end := context.WithCancel(ctx)
	end()
	if err := source.Run(look); err != nil {
		all.close()
		return admin.Certificate{}, err
	}
	source.Answer(all.kinds()...)
	closeAll := all.serve(d.automatic, source.ChallengeConfig())
	run, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { _ = source.Run(run) })
	renewed, err := d.Renew(ctx, host)
	stop()
	running.Wait()
	d.automatic.Close()
	closeAll()
	return renewed.Printable(), err
}

// kept makes sure that the cache has what was issued: nothing else does, once
// the command has ended.
func kept(cfg *config.Config, renewed admin.Certificate) error {
	desk, err := deskOf(cfg)
	if err == nil {
		same := func(c admin.Certificate) bool {
			return c.Source == admin.SourceACME && c.Name == renewed.Name && c.NotAfter != nil &&
				c.NotAfter.Equal(*renewed.NotAfter) && c.NotBefore.Equal(*renewed.NotBefore)
		}
		if slices.ContainsFunc(desk.List(), same) {
			return nil
		}
		err = errors.New("it isn't there")
	}
	for _, bad := range failures(checkCache(cfg.TLS.ACME)) {
		err = fmt.Errorf("%s: %s", bad.Detail, bad.Hint)
	}
	folder := tlsconf.NewFolder(cfg.TLS.ACME.Cache, cfg.TLS.ACME.Directory).Path()
	return fmt.Errorf("the CA has issued the certificate of %s, but it can't be kept in %s and is lost: %w", renewed.Name, folder, err)
}
