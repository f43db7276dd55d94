package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"popgate/internal/admin"
	"popgate/internal/config"
)

// checker looks at what an order at a CA depends on. Its functions are the
// machine and the network; tests have others.
type checker struct {
	cfg    *config.Config
	gates  gates
	prober prober // set before hosts are checked

	now       func() time.Time
	lookUp    func(ctx context.Context, host string) ([]netip.Addr, error)
	own       func() ([]netip.Addr, error) // addresses of this machine
	dial      func(ctx context.Context, network, address string) (net.Conn, error)
	transport http.RoundTripper // to the CA; nil: as orders have it
	ports     caPorts
	total     time.Duration // for all hosts
}

// caPorts are the ports at which CAs ask.
type caPorts struct {
	http, https string
}

// The limits of looking at hosts.
const (
	hostsAtOnce  = 8
	hostsTime    = 2 * time.Minute // for all of them
	lookUpTime   = 5 * time.Second
	connectTime  = 5 * time.Second
	answerTime   = 10 * time.Second
	maxAddresses = 4 // of a host that are connected to
)

// newChecker returns one for the real machine and network.
func newChecker(cfg *config.Config) *checker {
	dialer := &net.Dialer{Timeout: connectTime}
	k := &checker{
		cfg: cfg, now: time.Now, own: ownAddresses, dial: dialer.DialContext,
		// RFC 8555 §8.3 and RFC 8737 §3 leave no choice of port.
		ports: caPorts{http: "80", https: "443"},
		total: hostsTime,
		lookUp: func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		},
	}
	if cfg.TLS.ACME != nil {
		k.gates = gatesOf(cfg.TLS.ACME)
	}
	return k
}

// orderable tells whether a CA can issue for a name, as tlsconf sees it.
func orderable(host string) bool { return strings.Contains(host, ".") && !strings.Contains(host, "_") }

// ownAddresses are those of this machine's interfaces.
func ownAddresses() ([]netip.Addr, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	var own []netip.Addr
	for _, a := range all {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil {
			own = append(own, prefix.Addr().Unmap())
		}
	}
	return own, nil
}

// hosts looks at hosts, a few at once, and returns the findings in their order.
func (k *checker) hosts(ctx context.Context, names []string) []finding {
	ctx, cancel := context.WithTimeout(ctx, k.total)
	defer cancel()
	all := make([][]finding, len(names))
	next := make(chan int)
	var looking sync.WaitGroup
	for range min(hostsAtOnce, len(names)) {
		looking.Go(func() {
			for i := range next {
				if found := k.host(ctx, names[i]); ctx.Err() == nil {
					all[i] = found
				}
			}
		})
	}
	for i := range names {
		next <- i
	}
	close(next)
	looking.Wait()
	missed := 0
	for _, found := range all {
		if found == nil {
			missed++
		}
	}
	found := slices.Concat(all...)
	if missed > 0 {
		found = append(found, finding{Check: checkHost, Status: statusWarn,
			Detail: fmt.Sprintf("%s not checked, as all together took longer than %v", count(missed, "host"), k.total),
			Hint:   "name those of interest: popgate cert check HOST..."})
	}
	return found
}

// host looks at one host: where its name leads to, and who answers there.
func (k *checker) host(ctx context.Context, host string) []finding {
	name, addresses := k.checkName(ctx, host)
	found := []finding{name}
	if len(addresses) == 0 {
		return found
	}
	probe, err := k.prober.Probe(ctx, host)
	switch {
	case errors.Is(err, admin.ErrNotAutomatic):
		return append(found, finding{Check: checkHost, Host: host, Status: statusOK,
			Detail: "the running popgate has its certificate from files: nothing is ordered"})
	case errors.Is(err, admin.ErrUnknownHost):
		return append(found, finding{Check: checkHost, Host: host, Status: statusFail,
			Detail: "the running popgate orders nothing for it: it has an older configuration",
			Hint:   "reload it by SIGHUP, then look at its log"})
	case err != nil:
		return append(found, finding{Check: checkHost, Host: host, Status: statusFail,
			Detail: oneLine(err.Error(), maxDetail), Hint: "look at popgate's log"})
	}
	return append(found, k.checkGatesOf(ctx, host, addresses, probe)...)
}

// checkName finds a host's addresses.
func (k *checker) checkName(ctx context.Context, host string) (finding, []netip.Addr) {
	f := finding{Check: checkName, Host: host, Status: statusOK}
	look, cancel := context.WithTimeout(ctx, lookUpTime)
	defer cancel()
	addresses, err := k.lookUp(look, host)
	for i := range addresses {
		addresses[i] = addresses[i].Unmap()
	}
	own, ownErr := k.own()
	elsewhere := func(a netip.Addr) bool { return !isOwn(a, own) }
	switch {
	case err != nil || len(addresses) == 0:
		f.Status, f.Detail = statusFail, "the name has no address"
		if err != nil {
			f.Detail = oneLine(err.Error(), maxDetail)
		}
		f.Hint = "give it an A or AAAA record with the address that the internet reaches this machine by"
		return f, nil
	case slices.ContainsFunc(addresses, netip.Addr.IsLoopback):
		f.Status, f.Detail = statusWarn, "resolves to "+listed(addresses)+" here, which no CA can reach"
		f.Hint = "see what other machines resolve it to: /etc/hosts may be the only one that says this"
	case ownErr == nil && slices.ContainsFunc(addresses, elsewhere):
		foreign := slices.DeleteFunc(slices.Clone(addresses), func(a netip.Addr) bool { return !elsewhere(a) })
		f.Status, f.Detail = statusWarn, "resolves to "+listed(addresses)+", and this machine doesn't have "+listed(foreign)
		f.Hint = "fine behind NAT or a load balancer that forwards here; change the record otherwise"
	case ownErr != nil:
		f.Status, f.Detail = statusWarn, "resolves to "+listed(addresses)+"; this machine's own addresses can't be told: "+ownErr.Error()
		f.Hint = "compare them yourself"
	default:
		f.Detail = "resolves to " + listed(addresses) + ", of this machine"
	}
	return f, addresses
}

// isOwn tells whether an address is one of this machine's.
func isOwn(a netip.Addr, own []netip.Addr) bool {
	return a.IsLoopback() || slices.Contains(own, a.WithZone(""))
}

// listed names addresses, and counts those that are too many.
func listed(addresses []netip.Addr) string {
	var words []string
	for _, a := range addresses[:min(len(addresses), maxAddresses)] {
		words = append(words, a.String())
	}
	if more := len(addresses) - maxAddresses; more > 0 {
		words = append(words, fmt.Sprintf("%d more", more))
	}
	return strings.Join(words, ", ")
}
