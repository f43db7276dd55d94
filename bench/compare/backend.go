package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"

	"popgate/bench/internal/backend"
	"popgate/bench/internal/maildrop"
)

// backendCommand makes this program the backend instead; it starts itself so,
// as the backend must be a process of its own.
const backendCommand = "backend"

// runBackend serves POP3 at the first address and auth_http at the second
// until ctx ends. The users' password comes on in.
func runBackend(ctx context.Context, args []string, in io.Reader) error {
	if len(args) != 2 {
		return errors.New("backend: needs two addresses")
	}
	target, err := netip.ParseAddrPort(args[0])
	if err != nil {
		return fmt.Errorf("backend: %w", err)
	}
	password, err := io.ReadAll(io.LimitReader(in, 256))
	if err != nil {
		return fmt.Errorf("backend: read password: %w", err)
	}
	messages := maildrop.Standard()
	pop3, err := net.Listen("tcp", args[0])
	if err != nil {
		return fmt.Errorf("backend: %w", err)
	}
	defer pop3.Close()
	auth, err := net.Listen("tcp", args[1])
	if err != nil {
		return fmt.Errorf("backend: %w", err)
	}
	defer auth.Close()

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		defer cancel()
		ended <- backend.ServeAuth(ctx, auth, target)
	}()
	err = backend.ServePOP3(ctx, pop3, backend.Options{Password: string(password), Messages: messages})
	cancel()
	return errors.Join(err, <-ended)
}
