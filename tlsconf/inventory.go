package tlsconf

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"runtime"
	"sync"
)

// inventory is what a cache held when it was looked through. Looking changes
// nothing in the cache.
type inventory struct {
	pairs    map[string]*pair    // by host
	failures map[string]*failure // by host
	pause    *failure            // nil: the account may order

	// lent are certificates of the CA that was in force before, by host.
	lent map[string]*pair

	account crypto.Signer // nil: it couldn't be read
	// isNew: the account's key was made just now.
	isNew bool

	damaged []string // keys of entries that can't be understood
	problem error    // the first one of the cache itself
}

// take looks through a cache for hosts.
func take(ctx context.Context, c Cache, hosts []string) *inventory {
	ctx, cancel := context.WithTimeout(ctx, cacheTimeout)
	defer cancel()
	v := &inventory{pairs: make(map[string]*pair), failures: make(map[string]*failure)}
	account, isNew, err := readAccount(ctx, c)
	v.account, v.isNew = account, isNew
	v.note(accountKey, err)
	pause, err := readFailure(ctx, c, pauseKey)
	v.pause = pause
	v.note(pauseKey, err)
	var all sync.WaitGroup
	var mu sync.Mutex // guards v
	next := make(chan string)
	for range min(runtime.GOMAXPROCS(0), len(hosts)) {
		all.Go(func() {
			for host := range next {
				p, err := readCertificate(ctx, c, host)
				f, failureErr := readFailure(ctx, c, host+failureSuffix)
				mu.Lock()
				v.note(host, err)
				v.note(host+failureSuffix, failureErr)
				if p != nil {
					v.pairs[host] = p
				}
				if f != nil {
					v.failures[host] = f
				}
				mu.Unlock()
			}
		})
	}
	for _, host := range hosts {
		next <- host
	}
	close(next)
	all.Wait()
	return v
}

// readAccount finds the account's key, or makes one where there is none that can
// be understood. Any other trouble is an error: a key that is only out of reach
// for a moment must not be replaced.
func readAccount(ctx context.Context, c Cache) (key crypto.Signer, isNew bool, err error) {
	data, err := c.Get(ctx, accountKey)
	if err == nil {
		key, err = decodeKey(data)
	}
	if err == nil || !errors.Is(err, ErrNoEntry) && !errors.Is(err, errDamaged) {
		return key, false, err
	}
	made, makeErr := newAccount()
	if makeErr != nil {
		return nil, false, makeErr
	}
	return made, true, err
}

// newAccount makes an account's key.
func newAccount() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

// note remembers what is wrong with an entry, or with the cache.
func (v *inventory) note(key string, err error) {
	switch {
	case err == nil, errors.Is(err, ErrNoEntry):
	case errors.Is(err, errDamaged):
		v.damaged = append(v.damaged, key)
	case v.problem == nil:
		v.problem = err
	}
}

// with returns v with certificates that another CA has lent. Nil stays nil.
func (v *inventory) with(lent map[string]*pair) *inventory {
	if v == nil {
		return nil
	}
	more := *v
	more.lent = lent
	return &more
}
