package main

import (
	"fmt"
	"strings"

	"github.com/hashicorp/go-hclog"

	"popgate/internal/admin"
	"popgate/internal/config"
)

// newAccess says who may ask over TCP. It reads the file with the token.
func newAccess(cfg *config.Config, log hclog.Logger) (admin.Access, error) {
	access := admin.Access{Hosts: append([]string{cfg.Hostname}, cfg.Admin.Hosts...), Pprof: cfg.Admin.Pprof}
	if cfg.Admin.TokenFile == "" {
		return access, nil
	}
	var err error
	if access.Token, err = readToken(cfg.Admin.TokenFile, log); err != nil {
		return access, fmt.Errorf("admin { token_file }: %w", err)
	}
	return access, nil
}

// maxTokenFile is more than any token takes, in octets.
const maxTokenFile = 4096

// readToken reads a token, without the line ending behind it.
func readToken(path string, log hclog.Logger) (string, error) {
	text, mode, err := readRegular(path, maxTokenFile)
	if err != nil {
		return "", err
	}
	if mode.Perm()&0o004 != 0 {
		log.Warn("token_file can be read by every user of this machine", "file", path)
	}
	token := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	if err := admin.CheckToken(token); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return token, nil
}
