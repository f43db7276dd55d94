package acmetest

import (
	"crypto/x509"
	"slices"
	"time"
)

// books are what the CA remembers for the test. CA.mu guards them.
type books struct {
	requests   map[string]int         // by stage, "" all
	orderTimes map[string][]time.Time // of accepted newOrder requests by name, "" all
	validated  map[string]int         // by challenge type, "" all
	failed     int
	issued     []*x509.Certificate
}

func newBooks() books {
	return books{
		requests:   make(map[string]int),
		orderTimes: make(map[string][]time.Time),
		validated:  make(map[string]int),
	}
}

// Orders is how many newOrder requests with this host among their names were
// accepted; for "" how many in all. A newOrder that a fault or an error has
// stopped doesn't count; one whose answer a late fault spoilt does.
func (ca *CA) Orders(host string) int { return len(ca.OrderTimes(host)) }

// OrderTimes are the moments at which the orders that Orders counts were
// accepted, oldest first.
func (ca *CA) OrderTimes(host string) []time.Time {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	return slices.Clone(ca.books.orderTimes[host])
}

// Requests is how many requests of a stage (see [CA.SetFault]) were made; for
// "" how many in all. Those that failed count too, even while the CA is down.
func (ca *CA) Requests(stage string) int {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	return ca.books.requests[stage]
}

// FailedValidations is how many challenges Validate has refused.
func (ca *CA) FailedValidations() int {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	return ca.books.failed
}

// Validated is how many challenges of a type were found good; for "" of any.
func (ca *CA) Validated(typ string) int {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	return ca.books.validated[typ]
}

// Accounts is how many accounts there are, deactivated ones included.
func (ca *CA) Accounts() int {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	return len(ca.accounts)
}

// Contacts are the contact URLs of all accounts, sorted.
func (ca *CA) Contacts() []string {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	var contacts []string
	for _, a := range ca.accounts {
		contacts = append(contacts, a.contact...)
	}
	slices.Sort(contacts)
	return contacts
}

// Issued are the certificates that were issued, without their chain, oldest
// first.
func (ca *CA) Issued() []*x509.Certificate {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	return slices.Clone(ca.books.issued)
}
