package tlsconf

import (
	"context"
	"crypto/x509"
	"time"
)

// host is one name that has, or is to have, a certificate of a CA. It belongs
// to its authority, whose lock guards it.
type host struct {
	name    string
	pair    *pair // the newest one; nil: none yet
	unsaved bool  // the cache doesn't hold pair
	// borrowed: pair is of the CA that was in force before, and serves until
	// this one has issued one.
	borrowed bool
	lag      float64 // from 0 to 1: this process's place among replicas
	expired  bool    // that pair has expired was reported

	failures      int // in a row
	unvalidated   int // those of them in which the CA could not validate the host
	failuresSaved int // what the cache holds of them; unknown: something else

	lastError   *OrderError
	lastFailure time.Time
	lastSuccess time.Time
	notBefore   time.Time // of the next try; zero: at any time

	urgent bool               // an operator wants it now
	cancel context.CancelFunc // calls off the order under way; nil: there is none
	ended  chan struct{}      // closed when that order, or the one to come, has ended; nil: nobody waits
}

// end returns a channel that is closed when the order under way, or the next
// one, has ended.
func (h *host) end() <-chan struct{} {
	if h.ended == nil {
		h.ended = make(chan struct{})
	}
	return h.ended
}

// release tells those who wait that there is nothing more to wait for.
func (h *host) release() {
	if h.ended != nil {
		close(h.ended)
		h.ended = nil
	}
}

// callOff ends the order under way, whose end tells those who wait.
func (h *host) callOff() {
	if h.cancel != nil {
		h.cancel()
	} else {
		h.release()
	}
}

// due tells whether an order is to be made now, and when to look again if not;
// zero: not before something changes.
func (h *host) due(now time.Time) (bool, time.Time) {
	if h.cancel != nil {
		return false, time.Time{}
	}
	at := h.nextTry()
	return h.urgent || !now.Before(at), at
}

// nextTry is when the next order is due by popgate's own rules; zero: at once.
func (h *host) nextTry() time.Time {
	at := h.notBefore
	if h.pair != nil && !h.borrowed {
		if renewal := renewalDue(h.name, h.pair.cert.Leaf).Add(lagOf(h.pair.cert.Leaf, h.lag)); renewal.After(at) {
			at = renewal
		}
	}
	return at
}

// leaf is the certificate that is there, or nil.
func (h *host) leaf() *x509.Certificate {
	if h.pair == nil {
		return nil
	}
	return h.pair.cert.Leaf
}

// failed notes a failure that was just met.
func (h *host) failed(err *OrderError, now time.Time, share float64) {
	h.failures++
	if err.Validation {
		h.unvalidated++
	}
	h.lastError, h.lastFailure = err, now
	h.notBefore = now.Add(max(backoff(h.failures, share), err.RetryAfter))
}

// recall notes failures of an earlier process.
func (h *host) recall(f *failure, now time.Time) {
	h.failures, h.failuresSaved, h.lastFailure = f.Failures, f.Failures, f.At
	h.unvalidated = f.Unvalidated
	h.lastError = &OrderError{Type: f.Type, Detail: f.Detail}
	h.notBefore = f.NextTry
	if latest := now.Add(longestBackoff); h.notBefore.After(latest) {
		// A CA may have asked for more, but then it says so again.
		h.notBefore = latest
	}
}

// record is what the next process is to know of the failures.
func (h *host) record() failure {
	return failure{
		Failures: h.failures, Unvalidated: h.unvalidated, At: h.lastFailure.UTC(), NextTry: h.notBefore.UTC(),
		Type: h.lastError.Type, Detail: h.lastError.Detail,
	}
}

// succeeded notes a new certificate.
func (h *host) succeeded(p *pair, now time.Time) {
	h.pair, h.unsaved, h.borrowed, h.expired = p, true, false, false
	h.failures, h.unvalidated, h.lastError = 0, 0, nil
	h.lastSuccess, h.notBefore = now, now.Add(shortestInterval)
}
