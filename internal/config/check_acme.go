package config

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// acme checks the acme block against what it shares with others: hosts with the
// tenants, ports with the listeners.
func (k *checker) acme() {
	s := k.top.one(tlsBlock)
	if s.get("unknown_host").text == "default" && s.get("default_host").text == "" && !s.wrong("default_host") {
		k.fail(s.get("unknown_host").at, "Default host missing", "There is no default_host whose certificate could be shown: add default_host = \"pop.example.com\" with the name of yours, or write unknown_host = \"refuse\".")
	}
	for _, a := range s.all(acmeBlock) {
		k.acmeHosts(s, a)
		k.challenges(a)
	}
}

// acmeHosts demands a host to obtain a certificate for, and doubts hosts that will
// have none.
func (k *checker) acmeHosts(s, a *section) {
	known := make(map[string]bool)
	certified, unknown := false, a.wrong("hosts")
	alone := len(s.all(certificateBlock)) == 0 // no file could hold the certificate
	for _, host := range a.get("hosts").texts {
		known[host], certified = true, true
	}
	for _, t := range k.top.all(tenantBlock) {
		unknown = unknown || t.wrong("hosts")
		for i, host := range t.get("hosts").texts {
			known[host] = true
			certified = certified || hasDomain(host)
			if !hasDomain(host) && alone {
				k.uncertified(t.get("hosts").item(i), host)
			}
		}
	}
	if unknown {
		return // what seems to be missing may be what was refused
	}
	if !certified {
		at := a.at
		if v := a.values["hosts"]; v != nil {
			at = v.at
		}
		k.fail(at, "ACME without hosts", "There is no host to obtain a certificate for: add hosts = [\"pop.example.com\"] to the acme block, with the names that clients connect to.")
	}
	for _, v := range []*value{s.get("default_host"), k.toldServer(a)} {
		if v.text != "" && !known[v.text] && alone {
			k.uncertified(v.at, v.text)
		}
	}
}

// toldServer is the name that mail clients are told for domains that are no
// tenant's; "": none, or a host of the acme block a.
func (k *checker) toldServer(a *section) *value {
	s := k.top.one(autoconfigBlock)
	if written := s.get("server"); written.text != "" || s.wrong("server") || len(s.get("domains").texts) == 0 || len(a.get("hosts").texts) > 0 {
		return written
	}
	return &value{at: s.get("domains").at, text: k.c.Hostname}
}

// uncertified doubts a host for which no certificate will be obtained.
func (k *checker) uncertified(at hcl.Range, host string) {
	if hasDomain(host) {
		k.warn(at, "Host without certificate", "%q is no host of the acme block and no tenant's, so there will be no certificate to show: add it to hosts in the acme block.", host)
		return
	}
	k.warn(at, "Host without certificate", "CAs issue no certificate for %q, so there will be none to show: write a whole name, as in \"pop.example.com\", or add a certificate block.", host)
}

// challenge is http_address or https_address of an acme block.
type challenge struct {
	word    string
	address string // "": off, or wrong anyway
	at      hcl.Range
	written bool
}

// challengeIn returns the challenge of a word of the acme block a.
func challengeIn(a *section, word string) challenge {
	c := challenge{word: word, at: a.get(word).at}
	c.address, c.written = decodeUnlessOff(a, word)
	if a.wrong(word) {
		c.address = ""
	}
	return c
}

// challenges demands a way for the CA to see that a host is ours, on addresses that
// nothing else has.
func (k *checker) challenges(a *section) {
	http, https := challengeIn(a, "http_address"), challengeIn(a, "https_address")
	if http.address == "" && https.address == "" && !a.wrong(http.word) && !a.wrong(https.word) {
		k.fail(https.at, "ACME without challenge", "With http_address and https_address both off the CA can't see that a host is yours: write an address for one of them, or leave it out for the default.")
	}
	if overlaps(http.address, https.address) {
		at := http.at
		if !http.written {
			at = https.at
		}
		k.fail(at, "Challenge address taken", "http_address is %q and https_address is %q, but one port can't be both: write another address, or \"off\", for one of them.", http.address, https.address)
	} else {
		k.besideListeners(http)
	}
	shared := slices.ContainsFunc(k.c.Listeners, func(l Listener) bool { return l.Address == https.address && !l.StartTLS })
	if !shared {
		k.besideListeners(https)
	}
}

// besideListeners refuses a challenge's address that a listener has. A default
// clashes with what somebody wrote: it isn't for us to guess what was meant.
func (k *checker) besideListeners(c challenge) {
	sections := k.top.all(listenerBlock)
	for i, l := range k.c.Listeners {
		if !overlaps(c.address, l.Address) {
			continue
		}
		share := ""
		if c.word == "https_address" && !l.StartTLS {
			share = fmt.Sprintf(" Or let one port do both: write https_address = %q.", l.Address)
		}
		if c.written {
			k.fail(c.at, "Challenge address taken", "Listener %q has %q: write another address, or %s = \"off\".%s", l.Name, l.Address, c.word, share)
		} else {
			k.fail(sections[i].get("address").at, "Challenge address taken", "The acme block has %q as its %s unless it says otherwise: write %s = \"off\" there, or another address, here or there.%s", c.address, c.word, c.word, share)
		}
		return
	}
}
