package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"

	"popgate/bench/internal/load"
)

// server is a peer that runs.
type server struct {
	peer    peer
	process *process
	target  load.Target // with X25519 only
	hybrid  load.Target // the same with the post-quantum hybrid offered too
}

// prepared is a peer found and asked for its version, not yet running.
type prepared struct {
	peer
	program string
	about   about
}

// prepare finds a peer's program and copies popgate's to the folder.
func (s *site) prepare(ctx context.Context, p peer, opts options) (prepared, error) {
	program, err := p.find(opts.popgate)
	if err != nil {
		return prepared{}, err
	}
	if p.name == popgate {
		if program, err = s.install(program, popgate); err != nil {
			return prepared{}, fmt.Errorf("install popgate: %w", err)
		}
	}
	output, err := exec.CommandContext(ctx, program, p.versionArgs...).CombinedOutput()
	if err != nil {
		return prepared{}, fmt.Errorf("ask %s for its version: %w: %.200s", p.name, err, output)
	}
	return prepared{peer: p, program: program, about: parseAbout(p.name, string(output))}, nil
}

// start runs a peer in a folder of its own and waits until it listens.
func (s *site) start(ctx context.Context, p prepared) (*server, error) {
	dir, err := os.MkdirTemp(s.dir, p.name+"-")
	if err != nil {
		return nil, err
	}
	setup := s.setup
	setup.Dir, setup.MailModule = dir, p.about.module
	if setup.Listen, err = freeAddress(); err != nil {
		return nil, err
	}
	text, err := p.render(setup)
	if err != nil {
		return nil, fmt.Errorf("configure %s: %w", p.name, err)
	}
	config := filepath.Join(dir, p.config)
	if err := errors.Join(s.user.own(dir), s.write(config, []byte(text))); err != nil {
		return nil, err
	}
	cmd := exec.Command(p.program, append(slices.Clone(p.args), config)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(setup.Cores))
	process, err := launch(p.name, cmd, filepath.Join(dir, "log"), s.user)
	if err != nil {
		return nil, err
	}
	if err := process.ready(ctx, setup.Listen); err != nil {
		process.stop(grace)
		return nil, err
	}
	sv := &server{peer: p.peer, process: process}
	sv.target = load.Target{
		Address: setup.Listen, TLS: load.TLSConfig(s.cert.roots, host, tls.X25519),
		User: "user", Password: s.password, Messages: s.messages,
	}
	sv.hybrid = sv.target
	sv.hybrid.TLS = load.TLSConfig(s.cert.roots, host, tls.X25519MLKEM768, tls.X25519)
	return sv, nil
}
