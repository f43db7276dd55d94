package e2e

import (
	"regexp"
	"testing"
	"time"
)

// record is what a CA did, as Pebble's log tells it.
type record struct {
	accounts     int // made
	orders       int // taken
	certificates int // issued
	http, alpn   int // validations begun, by HTTP-01 and by TLS-ALPN-01
	valid        int // validations that went well, of either kind
	failed       int // validations that didn't
}

// Pebble begins each validation with one line, whatever its kind, and then tries it three times at once. Only HTTP-01
// says where it goes; its URL holds the token, so it is one of a kind.
var (
	pebbleAccount     = regexp.MustCompile(`There are now \d+ accounts in memory`)
	pebbleOrder       = regexp.MustCompile(`Added order "[^"]+" to the db`)
	pebbleCertificate = regexp.MustCompile(`Issued certificate serial`)
	pebbleValidation  = regexp.MustCompile(`Pulled a task from the Tasks queue`)
	pebbleHTTP        = regexp.MustCompile(`Attempting to validate w/ HTTP: (\S+)`)
	pebbleValid       = regexp.MustCompile(`authz \S+ set VALID by completed challenge`)
	pebbleFailed      = regexp.MustCompile(`authz \S+ set INVALID by completed challenge`)
)

// record counts over all runs so far.
func (p *pebble) record() record {
	var r record
	for _, run := range p.runs {
		log := run.log.text()
		count := func(expr *regexp.Regexp) int { return len(expr.FindAllString(log, -1)) }
		tokens := map[string]bool{}
		for _, found := range pebbleHTTP.FindAllStringSubmatch(log, -1) {
			tokens[found[1]] = true
		}
		r.accounts += count(pebbleAccount)
		r.orders += count(pebbleOrder)
		r.certificates += count(pebbleCertificate)
		r.http += len(tokens)
		r.alpn += count(pebbleValidation) - len(tokens)
		r.valid += count(pebbleValid)
		r.failed += count(pebbleFailed)
	}
	return r
}

// recordOnce is the record once that is good. The log may come a moment later than what it tells of.
func (p *pebble) recordOnce(good func(record) bool) record {
	late := time.Now().Add(patience)
	for {
		if got := p.record(); good(got) || time.Now().After(late) {
			return got
		}
		wait(20 * time.Millisecond)
	}
}

// did fails the test unless Pebble did exactly this.
func (p *pebble) did(t testing.TB, want record) {
	t.Helper()
	if got := p.recordOnce(func(r record) bool { return r == want }); got != want {
		t.Errorf("Pebble did %+v\n       want %+v", got, want)
	}
}

// ordered fails the test unless so many orders have reached Pebble.
func (p *pebble) ordered(t testing.TB, want int) {
	t.Helper()
	if got := p.recordOnce(func(r record) bool { return r.orders == want }).orders; got != want {
		t.Errorf("Pebble got %d orders, want %d", got, want)
	}
}
