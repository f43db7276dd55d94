package tlsconf

import (
	"context"
	"slices"
)

// chore is one change that the cache is behind with.
type chore struct {
	what string // for the log, and for numbers
	do   func(ctx context.Context, c Cache) error
	done func() // with the lock held
}

// tidy brings the cache up to date: sets damaged entries aside, and writes what
// it doesn't hold yet, again and again if it fails. Nothing waits for that but
// the next start: certificates are served from memory.
func (a *authority) tidy() {
	a.mu.Lock()
	chores, c := a.chores(), a.acme.Cache
	a.mu.Unlock()
	if len(chores) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), cacheTimeout)
	defer cancel()
	var failed error
	for _, chore := range chores {
		err := chore.do(ctx, c)
		a.mu.Lock()
		if err == nil {
			chore.done()
		} else {
			a.opts.Observer.CacheFailed(chore.what)
			failed = err
		}
		a.mu.Unlock()
	}
	a.reportCache(failed)
}

// reportCache says once that the cache fails, and once that it doesn't any more.
func (a *authority) reportCache(failed error) {
	a.mu.Lock()
	before := a.cacheFailing
	a.cacheFailing = failed != nil
	a.mu.Unlock()
	switch {
	case failed != nil && !before:
		a.log.Error("certificate cache fails, certificates are kept in memory only", "error", quoted(failed.Error()))
	case failed == nil && before:
		a.log.Info("certificate cache works again")
	}
}

// chores lists what is to be done; a.mu is held.
func (a *authority) chores() []chore {
	var chores []chore
	for _, key := range a.found.damaged {
		chores = append(chores, chore{
			what: "set_aside",
			do: func(ctx context.Context, c Cache) error {
				if !damagedStill(ctx, c, key) {
					return nil
				}
				err := c.SetAside(ctx, key)
				if err == nil {
					a.log.Error("damaged entry of the certificate cache set aside", "entry", key)
				}
				return err
			},
			done: func() {
				a.found.damaged = slices.DeleteFunc(a.found.damaged, func(k string) bool { return k == key })
			},
		})
	}
	if a.accountUnsaved {
		key := a.account
		chores = append(chores, chore{
			what: "write_account",
			do: func(ctx context.Context, c Cache) error {
				data, err := encodeKey(key)
				if err != nil {
					return err
				}
				return c.Put(ctx, accountKey, data)
			},
			done: func() { a.accountUnsaved = false },
		})
	}
	for _, h := range a.hosts {
		chores = append(chores, a.choresOf(h)...)
	}
	if a.pause != nil && !a.pausedUntil.Equal(a.pauseSaved) {
		record := failure{Failures: 1, At: a.opts.Now().UTC(), NextTry: a.pausedUntil.UTC(), Type: a.pause.Type, Detail: a.pause.Detail}
		chores = append(chores, chore{
			what: "write_failure",
			do:   func(ctx context.Context, c Cache) error { return writeFailure(ctx, c, pauseKey, record) },
			done: func() { a.pauseSaved = record.NextTry },
		})
	}
	return chores
}

// choresOf lists what is to be done for one host; a.mu is held.
func (a *authority) choresOf(h *host) []chore {
	var chores []chore
	if p := h.pair; h.unsaved {
		chores = append(chores, chore{
			what: "write_certificate",
			do:   func(ctx context.Context, c Cache) error { return writeCertificate(ctx, c, h.name, &p.cert) },
			done: func() { h.unsaved = h.pair != p },
		})
	}
	if n := h.failures; n != h.failuresSaved {
		chore := chore{what: "write_failure", done: func() { h.failuresSaved = n }}
		if n == 0 {
			chore.do = func(ctx context.Context, c Cache) error { return c.Delete(ctx, h.name+failureSuffix) }
		} else {
			record := h.record()
			chore.do = func(ctx context.Context, c Cache) error { return writeFailure(ctx, c, h.name+failureSuffix, record) }
		}
		chores = append(chores, chore)
	}
	return chores
}
