package main

import (
	"errors"
	"io/fs"
	"os"

	"github.com/hashicorp/hcl/v2"

	"popgate/internal/config"
)

// origin is where a configuration comes from. It is chosen once: a reload reads
// the same again.
type origin struct {
	path        string // of a file or a folder
	environment bool   // or the variables of the environment
}

// originOf is the origin for a command: path, if it was written on the command
// line or is there; else the environment, if that has anything to say.
func originOf(path string, written bool) origin {
	if !written && missing(path) && len(getVariables().set()) > 0 {
		return origin{environment: true}
	}
	return origin{path: path}
}

func missing(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// String names it in the middle of a sentence.
func (o origin) String() string {
	if o.environment {
		return "the environment"
	}
	return o.path
}

// read reads a configuration, and what is wrong with its certificates if the
// rest is wrong already.
func (o origin) read() (cfg *config.Config, diags hcl.Diagnostics, files map[string]*hcl.File, certificates error) {
	if o.environment {
		cfg, diags, files = getVariables().parse()
		return cfg, diags, files, nil
	}
	cfg, diags, files = config.Load(o.path, func(c *config.Config) { certificates = badCertificates(c) })
	diags = append(diags, getVariables().ignored(o.path, files)...)
	if o.path == defaultConfig && missing(o.path) && len(diags) == 1 {
		// Nothing was said at all, as by whoever runs a container for the first time.
		diags[0].Detail += " Or set " + backendVariable + " and " + hostsVariable + ", of which popgate makes one."
	}
	return cfg, diags, files, certificates
}
