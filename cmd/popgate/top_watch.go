package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"popgate/internal/admin"
)

// answer is what came of a look.
type answer struct {
	*picture
	err error
}

// watch shows pictures until somebody has seen enough, ctx ends or popgate can't
// be asked any more. The terminal is as it was then.
func (l *live) watch(ctx context.Context, client *admin.Client, now *picture, out *os.File) (err error) {
	// Who closes the terminal's window wants an end, too.
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP)
	screen, err := openScreen(out)
	if err != nil {
		stop()
		return err
	}
	defer func() { err = errors.Join(err, screen.close()) }()
	answers := make(chan answer)
	var asking sync.WaitGroup
	defer asking.Wait()
	defer stop()
	asking.Go(func() { l.pictures(ctx, client, answers) })
	return l.draw(ctx, screen, now, answers)
}

// pictures asks again and again, beside the keys: an answer may take long.
func (l *live) pictures(ctx context.Context, client *admin.Client, answers chan<- answer) {
	tick := time.NewTicker(l.interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		p, err := look(ctx, client)
		select {
		case <-ctx.Done():
			return
		case answers <- answer{p, err}:
		}
	}
}

// draw draws what comes.
func (l *live) draw(ctx context.Context, screen *screen, now *picture, answers <-chan answer) error {
	var before *picture
	for {
		width, _ := terminalSize(screen.out)
		if err := screen.draw(now.lines(before, l.order, width)); err != nil {
			return fmt.Errorf("draw: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case next := <-answers:
			if next.err != nil {
				return next.err
			}
			before, now = now, next.picture
		case <-screen.resized:
		case key, open := <-screen.keys:
			if !open || key == 'q' || key == 'Q' || key == keyInterrupt {
				return nil
			}
			if key == 's' {
				l.order = map[string]string{sortBusy: sortLatest, sortLatest: sortBusy}[l.order]
			}
		}
	}
}
