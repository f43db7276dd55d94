package config

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// checker compares the parts of a configuration with each other. The sections of
// a kind and the elements of its slice in the Config have the same order.
type checker struct {
	*loader
	c        *Config
	backends []string        // the names that there are
	used     map[string]bool // backends that something refers to
	networks map[string]bool // the names that there are
	asked    map[string]bool // names that conditions ask for
	computed bool            // some ask for names that aren't known
}

// check reports what is wrong between the parts of c, which was decoded from
// l.top.
func (l *loader) check(c *Config) {
	if l.incomplete {
		return // what seems wrong may be right once everything can be read
	}
	k := &checker{loader: l, c: c, used: make(map[string]bool), networks: make(map[string]bool), asked: make(map[string]bool)}
	for _, b := range c.Backends {
		k.backends = append(k.backends, b.Name)
	}
	k.certificates()
	k.acme()
	k.autoconfig()
	k.admin()
	k.listeners()
	k.addresses()
	k.blocking()
	k.networkBlocks()
	k.tenants()
	k.routes(l.top, "")
	k.reachable()
	k.policies()
	k.networksUsed()
}

// certificates demands something to show to clients.
func (k *checker) certificates() {
	s := k.top.one(tlsBlock)
	if len(s.all(acmeBlock)) == 0 && len(s.all(certificateBlock)) == 0 && !s.get("self_signed").flag && !s.wrong("self_signed") {
		k.fail(s.at, "No certificate configured", "popgate has no certificate to show to clients. Let it obtain one, by the name that clients connect to:\n\n%s\n\nOr name your files:\n\n%s\n\nFor a trial, write self_signed = true in the tls block.", acmeExample, certificateExample)
	}
}

// acmeExample is what to write for certificates that popgate obtains by itself.
const acmeExample = `  tls {
    acme { hosts = ["pop.example.com"] }
  }`

// certificateExample is what to write for certificates that are kept in files.
const certificateExample = `  tls {
    certificate "main" {
      cert_file = "/etc/popgate/tls.crt"
      key_file  = "/etc/popgate/tls.key"
    }
  }`

// addresses checks that each backend has some, and that none leads back here.
func (k *checker) addresses() {
	doors := k.doors()
	for _, s := range k.top.all(backendBlock) {
		_, one := s.values["address"]
		several, many := s.values["addresses"]
		switch {
		case one && many:
			k.fail(s.at, "Address written twice", "A backend has address = \"…\" or addresses = […], not both: put all into addresses.")
		case !one && !many:
			k.fail(s.at, "Missing backend address", "backend %q has no server: add address = \"10.0.0.5:110\" with the address of yours.", s.label)
		case many && several != nil && len(several.texts) == 0:
			k.fail(several.at, "Empty list here", "backend %q has no server: add an address such as \"10.0.0.5:110\".", s.label)
		}
		if v := s.values["address"]; v != nil {
			k.notSelf(doors, v.at, v.text)
		}
		if several != nil {
			for i, address := range several.texts {
				k.notSelf(doors, several.item(i), address)
			}
		}
	}
}

// door is an address where clients log in, and what it belongs to.
type door struct{ address, of string }

// doors lists where clients log in.
func (k *checker) doors() []door {
	var doors []door
	for _, l := range k.c.Listeners {
		doors = append(doors, door{l.Address, fmt.Sprintf("listener %q", l.Name)})
	}
	for _, a := range k.top.one(tlsBlock).all(acmeBlock) {
		doors = append(doors, door{challengeIn(a, "https_address").address, "the https_address of the acme block"})
	}
	return doors
}

// notSelf refuses a backend's address that is one of our own doors.
func (k *checker) notSelf(doors []door, at hcl.Range, address string) {
	for _, d := range doors {
		if leadsTo(address, d.address) {
			k.fail(at, "Proxy dials itself", "%q is where %s takes clients, so popgate would log in to itself for ever: write the address of the POP3 server.", address, d.of)
			return
		}
	}
}

// listeners refuses two listeners on one address.
func (k *checker) listeners() {
	sections := k.top.all(listenerBlock)
	for i, s := range sections {
		for j := range i {
			if overlaps(k.c.Listeners[i].Address, k.c.Listeners[j].Address) {
				k.fail(s.get("address").at, "Listener address taken", "Listener %q has %q already (%s): use another port or another address.",
					sections[j].label, k.c.Listeners[j].Address, place(sections[j].at))
				break
			}
		}
	}
}

// reachable demands a way to some backend, and doubts backends without one.
func (k *checker) reachable() {
	sections := k.top.all(backendBlock)
	switch {
	case len(sections) == 0:
		k.fail(k.top.at, "No backend defined", "popgate needs a POP3 server to pass logins on to: write backend \"legacy\" { address = \"10.0.0.5:110\" } with its address.")
	case len(sections) > 1 && len(k.c.Tenants) == 0 && len(k.c.Routes) == 0:
		k.fail(sections[1].at, "No route defined", "With several backends and neither tenant nor route no name finds one of them: write a route, such as route \"rest\" { backend = %q }.", sections[0].label)
	case len(sections) > 1:
		for _, s := range sections {
			if s.label != "" && !k.used[s.label] {
				k.warn(s.at, "Backend never used", "No tenant and no route leads to backend %q: write a route to it, or take it away.", s.label)
			}
		}
	}
}

// refer checks that the word backend of s names one, and notes it as used.
func (k *checker) refer(s *section) {
	v := s.values["backend"]
	if v == nil || len(k.backends) == 0 {
		return
	}
	if k.used[v.text] || slices.Contains(k.backends, v.text) {
		k.used[v.text] = true
		return
	}
	k.fail(v.at, "Unknown backend name", "There is no backend %q.%s %s", v.text, didYouMean(v.text, k.backends), listed("backends", k.backends))
}

// listed is a sentence that lists the names of blocks, if they aren't too many.
func listed(blocks string, names []string) string {
	const most = 10
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	if len(names) > most {
		return fmt.Sprintf("Write the name of one of the %d %s.", len(names), blocks)
	}
	return fmt.Sprintf("Known %s: %s.", blocks, quoted(names))
}
