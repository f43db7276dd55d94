package main

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	"popgate/bench/internal/load"
	"popgate/bench/internal/proc"
)

// figure is a line of the table.
type figure struct {
	what  string
	value string
}

// measure takes all figures and writes them up.
func measure(ctx context.Context, s *site, o options, progress io.Writer) (string, error) {
	ecdsaKey, rsaKey, err := newKeys()
	if err != nil {
		return "", err
	}
	var figures []figure
	add := func(what, form string, values ...any) {
		f := figure{what, fmt.Sprintf(form, values...)}
		fmt.Fprintf(progress, "%s: %s\n", f.what, f.value)
		figures = append(figures, f)
	}
	for _, state := range []struct {
		what string
		n    int
		open func(context.Context, load.Target, int) (*load.Pool, error)
	}{
		{"before login, after the TLS handshake", o.held, load.Greet},
		{"logged in and idle", o.held, load.Open},
		{"logged in, and the client doesn't take the mail that it has asked for", o.stalled, func(ctx context.Context, t load.Target, n int) (*load.Pool, error) {
			return load.Stall(ctx, t, n, len(s.messages))
		}},
	} {
		empty, each, err := memory(ctx, s, ecdsaKey, o, state.n, state.open)
		if err != nil {
			return "", fmt.Errorf("%s: %w", state.what, err)
		}
		if len(figures) == 0 {
			add("memory without a session", "%.0f MiB", empty/(1<<20))
		}
		add("memory of a session "+state.what, "%.0f KiB", each/(1<<10))
	}
	for _, login := range []struct {
		what   string
		key    crypto.Signer
		resume bool
	}{
		{"ECDSA P-256 certificate", ecdsaKey, false}, {"RSA 2048 certificate", rsaKey, false}, {"resumed by a ticket", ecdsaKey, true},
	} {
		each, err := logins(ctx, s, login.key, login.resume, o.sessions)
		if err != nil {
			return "", fmt.Errorf("%s: %w", login.what, err)
		}
		add("CPU of a session (TLS 1.3, USER, PASS, STAT, QUIT), "+login.what, "%.2f ms", each.Seconds()*1e3)
	}
	each, err := relayed(ctx, s, ecdsaKey, o.mails)
	if err != nil {
		return "", fmt.Errorf("relay: %w", err)
	}
	add("CPU of a MiB that is read, in mails of 64 KiB", "%.2f ms", each.Seconds()*1e3)
	return table(figures), nil
}

// memory is that of a popgate without sessions, and of one of n sessions, in octets.
func memory(ctx context.Context, s *site, key crypto.Signer, o options, n int, open func(context.Context, load.Target, int) (*load.Pool, error)) (empty, each float64, err error) {
	r, err := s.start(ctx, key)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, r.stop()) }()
	before, err := proc.Memory(r.cmd.Process.Pid)
	if err != nil {
		return 0, 0, err
	}
	pool, err := open(ctx, r.target, n)
	if err != nil {
		return 0, 0, err
	}
	defer pool.Drop()
	if err := wait(ctx, o.settle); err != nil {
		return 0, 0, err
	}
	after, err := proc.Memory(r.cmd.Process.Pid)
	return float64(before), float64(after-before) / float64(n), err
}

// logins is the CPU time of a session.
func logins(ctx context.Context, s *site, key crypto.Signer, resume bool, n int) (time.Duration, error) {
	return spent(ctx, s, key, func(t load.Target, begin func() error) (float64, error) {
		if resume {
			var err error
			if t, err = load.Resuming(ctx, t); err != nil {
				return 0, err
			}
		}
		// The first ones warm up.
		if _, err := load.Sessions(ctx, t, 1, max(1, n/10)); err != nil {
			return 0, err
		}
		if err := begin(); err != nil {
			return 0, err
		}
		_, err := load.Sessions(ctx, t, 16, n)
		return float64(n), err
	})
}

// relayed is the CPU time of a MiB.
func relayed(ctx context.Context, s *site, key crypto.Signer, n int) (time.Duration, error) {
	const medium = 2 // the number of the message of 64 KiB
	return spent(ctx, s, key, func(t load.Target, begin func() error) (float64, error) {
		pool, err := load.Open(ctx, t, 8)
		if err != nil {
			return 0, err
		}
		defer pool.Drop()
		if _, err := pool.Retrieve(ctx, medium, max(8, n/10)); err != nil {
			return 0, err
		}
		if err := begin(); err != nil {
			return 0, err
		}
		result, err := pool.Retrieve(ctx, medium, n)
		return float64(result.Octets) / (1 << 20), err
	})
}

// spent is the CPU time that popgate spends on each of the units that do returns,
// from begin on.
func spent(ctx context.Context, s *site, key crypto.Signer, do func(t load.Target, begin func() error) (units float64, err error)) (each time.Duration, err error) {
	r, err := s.start(ctx, key)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, r.stop()) }()
	var before proc.Usage
	units, err := do(r.target, func() (err error) {
		before, err = proc.CPU(r.cmd.Process.Pid)
		return err
	})
	if err != nil {
		return 0, err
	}
	// What is still done behind the last one belongs to them.
	if err := wait(ctx, 300*time.Millisecond); err != nil {
		return 0, err
	}
	after, err := proc.CPU(r.cmd.Process.Pid)
	return time.Duration(float64(after.Sub(before).Total) / units), err
}

// table is Markdown.
func table(figures []figure) string {
	var out strings.Builder
	fmt.Fprintf(&out, "Measured on %s: %d × %s, Linux %s, %s.\n\n| what | takes |\n|---|---|\n",
		time.Now().UTC().Format(time.DateOnly), runtime.NumCPU(), proc.Model(), proc.Kernel(), runtime.Version())
	for _, f := range figures {
		fmt.Fprintf(&out, "| %s | %s |\n", f.what, f.value)
	}
	return out.String()
}
