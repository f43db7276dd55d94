package main

import (
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/hashicorp/go-hclog"

	"popgate/internal/config"
	"popgate/tlsconf"
)

// newCertificates makes the source of certificates. All problems of files, of
// the cache and of ca_file are reported at once.
func newCertificates(cfg *config.Config, with lasting) (*tlsconf.Source, error) {
	opts := tlsOptions(cfg, with)
	acme, err := acmeOptions(cfg, with.log)
	opts.ACME = acme
	if err == nil {
		return tlsconf.New(opts)
	}
	if len(opts.Certificates) > 0 {
		_, fileErr := tlsconf.New(opts)
		err = errors.Join(fileErr, err)
	}
	return nil, err
}

// tlsOptions are those of everything but ACME.
func tlsOptions(cfg *config.Config, with lasting) tlsconf.Options {
	opts := tlsconf.Options{
		MinVersion:       cfg.TLS.MinVersion,
		DefaultHost:      cfg.TLS.DefaultHost,
		UnknownToDefault: cfg.TLS.UnknownHostDefault,
		SelfSigned:       cfg.TLS.SelfSigned,
		HTTP:             cfg.Autoconfig != nil,
		Automatic:        with.automatic,
		Tickets:          with.tickets,
		Logger:           with.log,
		Observer:         with.metrics,
	}
	if secret := cfg.TLS.TicketSecret; !secret.Empty() {
		opts.Tickets = tlsconf.SharedTickets(secret.Reveal())
	}
	for _, c := range cfg.TLS.Certificates {
		opts.Certificates = append(opts.Certificates, tlsconf.Files(c))
	}
	for _, t := range cfg.Tenants {
		opts.Hosts = append(opts.Hosts, t.Hosts...)
	}
	return opts
}

// acmeOptions are those of the acme block; nil: there is none.
func acmeOptions(cfg *config.Config, log hclog.Logger) (*tlsconf.ACME, error) {
	block := cfg.TLS.ACME
	if block == nil {
		return nil, nil
	}
	cache := tlsconf.NewFolder(block.Cache, block.Directory)
	if cache.SharedWithGroup() {
		log.Warn("private keys in the certificate cache can be read by their group", "folder", cache.Path())
	}
	acme := &tlsconf.ACME{Directory: block.Directory, Email: block.Email, Cache: cache, Hosts: acmeHosts(cfg)}
	roots, err := readRoots(block.CAFile)
	acme.Roots = roots
	if block.EAB != nil {
		acme.EAB = &tlsconf.EAB{KeyID: block.EAB.KeyID, Key: block.EAB.HMACKey.Reveal()}
	}
	return acme, errors.Join(cache.Check(), err)
}

// acmeHosts are all hosts that may need a certificate.
func acmeHosts(cfg *config.Config) []string {
	hosts := append([]string(nil), cfg.TLS.ACME.Hosts...)
	for _, t := range cfg.Tenants {
		hosts = append(hosts, t.Hosts...)
	}
	return hosts
}

// maxRootsFile is more than the roots of a whole system take, in octets.
const maxRootsFile = 4 << 20

// readRoots reads whom to trust for the CA's own HTTPS; nil: the system's.
func readRoots(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	text, _, err := readRegular(path, maxRootsFile)
	if err != nil {
		return nil, fmt.Errorf("ca_file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("ca_file: %s: no certificate in PEM form: write those of the CAs that the directory's HTTPS is checked by", path)
	}
	return pool, nil
}
