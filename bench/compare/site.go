package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"popgate/bench/internal/maildrop"
)

// site is what all peers share: a folder for one run, the certificate, the
// backend, and the servers' user.
type site struct {
	dir      string
	user     *identity
	cert     certificate
	password string
	messages []maildrop.Message
	setup    setup // lacks Listen, Dir and MailModule, which are each peer's own
	backend  *process
}

// grace is how long a server may take to end before it is told again.
const grace = 5 * time.Second

// headroom is sessions beyond those that are held, for those being opened and
// those not yet quite closed.
const headroom = 1000

// newSite prepares a run and starts the backend.
func newSite(ctx context.Context, opts options) (_ *site, err error) {
	sessions := headroom
	if slices.Contains(opts.only, idle) {
		sessions += opts.sessions
	}
	workerConnections := 3*sessions + headroom
	if err := raiseDescriptors(workerConnections + headroom); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "popgate-bench-")
	if err != nil {
		return nil, err
	}
	s := &site{dir: dir, user: serverIdentity(), password: rand.Text(), messages: maildrop.Standard()}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.cert, err = newCertificate(time.Now()); err != nil {
		return nil, err
	}
	s.setup = setup{
		Host: host, Cores: runtime.NumCPU(), Sessions: sessions, WorkerConnections: workerConnections,
		CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem"), PairFile: filepath.Join(dir, "pair.pem"),
	}
	err = errors.Join(
		s.user.own(dir),
		s.write(s.setup.CertFile, s.cert.cert),
		s.write(s.setup.KeyFile, s.cert.key),
		s.write(s.setup.PairFile, slices.Concat(s.cert.cert, s.cert.key)))
	if err != nil {
		return nil, err
	}
	return s, s.startBackend(ctx)
}

// close ends the backend and removes the folder. Every peer must have been
// stopped.
func (s *site) close() error {
	if s.backend != nil {
		s.backend.stop(grace)
	}
	return os.RemoveAll(s.dir)
}

// write makes a file that only the servers' user may read.
func (s *site) write(path string, content []byte) error {
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return err
	}
	return s.user.own(path)
}

// install copies a program to where the servers' user can run it, which need
// not be so where it was built.
func (s *site) install(program, name string) (string, error) {
	from, err := os.Open(program)
	if err != nil {
		return "", err
	}
	defer from.Close()
	path := filepath.Join(s.dir, name)
	to, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o700)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(to, from)
	return path, errors.Join(err, to.Close(), s.user.own(path))
}

// startBackend runs this very program as the backend.
func (s *site) startBackend(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	program, err := s.install(self, "compare")
	if err != nil {
		return fmt.Errorf("install backend: %w", err)
	}
	for _, address := range []*string{&s.setup.Backend, &s.setup.Auth} {
		if *address, err = freeAddress(); err != nil {
			return err
		}
	}
	cmd := exec.Command(program, backendCommand, s.setup.Backend, s.setup.Auth)
	cmd.Dir = s.dir
	cmd.Stdin = strings.NewReader(s.password)
	if s.backend, err = launch("backend", cmd, filepath.Join(s.dir, "backend.log"), s.user); err != nil {
		return err
	}
	return errors.Join(s.backend.ready(ctx, s.setup.Backend), s.backend.ready(ctx, s.setup.Auth))
}
