package tlsconf

import (
	"crypto/x509"
	"hash/fnv"
	"time"
)

// Renewal begins when a third of a certificate's lifetime is left, but not
// earlier than 30 days before its end: right for certificates of 90, 45 and 6
// days alike.
const earliestRenewal = 30 * 24 * time.Hour

// RenewalWindow is how long before a certificate's end its renewal begins.
func RenewalWindow(notBefore, notAfter time.Time) time.Duration {
	return min(notAfter.Sub(notBefore)/3, earliestRenewal)
}

// renewalDue is when to order a host's next certificate. Hosts whose
// certificates were issued together are spread over the following tenth of that
// time, each host at a place of its own.
func renewalDue(host string, leaf *x509.Certificate) time.Time {
	before := RenewalWindow(leaf.NotBefore, leaf.NotAfter)
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(host))
	spread := before / 10 * time.Duration(hash.Sum32()%1000) / 1000
	return leaf.NotAfter.Add(spread - before)
}

// lagOf is how much later this process is than the first of the replicas that
// share a cache: the others then find what that one has put there.
func lagOf(leaf *x509.Certificate, share float64) time.Duration {
	before := RenewalWindow(leaf.NotBefore, leaf.NotAfter)
	return time.Duration(share * float64(before/20))
}

// backoffs are the waits after the first failure of a host, the second, …; the
// last one goes on. After the first day that is four tries a day.
var backoffs = [...]time.Duration{5 * time.Minute, 20 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour}

// longestBackoff bounds what is believed of a record of failures: a clock may
// have been far ahead when it was written.
const longestBackoff = 6*time.Hour + 6*time.Hour/10

// backoff is how long a host waits after its n-th failure in a row. The share,
// from 0 to 1, of a tenth is added, so that hosts don't come back together.
func backoff(n int, share float64) time.Duration {
	wait := backoffs[min(max(n, 1), len(backoffs))-1]
	return wait + time.Duration(share*float64(wait/10))
}

// interrupted is how long the first order waits that an earlier process has begun
// and not seen the end of. unknown is no number of failures.
const (
	interrupted = time.Minute
	unknown     = -1
)

// shortestInterval is the least time between two certificates of a host, whatever
// their lifetime is.
const shortestInterval = 10 * time.Second

// pauseWithoutWord is how long an account waits that a CA has told to come back
// later without saying when.
const pauseWithoutWord = time.Hour
