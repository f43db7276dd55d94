package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"popgate/internal/admin"
)

// advice says what to do about a problem of an order, in a line. The kind is a
// CA's word (RFC 8555 §6.7), with or without what URNs begin with, or one of
// tlsconf's.
func advice(kind, host string) string {
	look := "popgate cert check " + host
	switch kind[strings.LastIndexByte(kind, ':')+1:] {
	case "dns":
		return "next: check the A, AAAA and CAA records of " + host + " as the internet sees them; " + look
	case "connection", "tls", "unauthorized", "incorrectResponse":
		return "next: port 80 or 443 of " + host + " must lead here from the internet; " + look +
			`; then try with directory = "letsencrypt-staging", as failures count against the CA's limits`
	case "rateLimited":
		return `next: wait, a popgate that runs orders by itself then; for trials there is directory = "letsencrypt-staging"`
	case "caa":
		return "next: let the CAA record of " + host + " or its domain name this CA"
	case "rejectedIdentifier", "unsupportedIdentifier":
		return "next: this CA issues nothing for " + host + ": check the name, or ask another CA"
	case "externalAccountRequired":
		return "next: get a key from the CA and add it to the acme block: eab { key_id, hmac_key }"
	case "userActionRequired", "accountDoesNotExist", "invalidContact", "unsupportedContact":
		return "next: the CA doesn't take the account as it is: check email in the acme block, and the CA's own pages"
	case "network":
		return "next: this machine must reach the CA's directory over HTTPS; " + look
	case "challenge":
		return "next: this CA validates in other ways: switch on http_address or https_address, whichever it offers"
	case "certificate":
		return "next: what the CA issued can't be used: check this machine's clock; " + look
	}
	return "next: " + look + ", and popgate's log"
}

// maxListed is how many hosts an error names.
const maxListed = 10

// unknownHost says that no certificate is ordered for a host, and for which ones
// there are.
func unknownHost(host string, list []admin.Certificate) error {
	var known []string
	for _, c := range list {
		if c.Source == admin.SourceACME {
			known = append(known, c.Name)
		}
	}
	return errors.New(unknownHostText(host, known))
}

func unknownHostText(host string, known []string) string {
	text := fmt.Sprintf("no certificate is ordered for %q", oneLine(host, maxNameCell))
	if near := nearestHost(host, known); near != "" {
		text += fmt.Sprintf(" (did you mean %q?)", near)
	}
	if len(known) == 0 {
		return text + ", nor for any other host"
	}
	text += ", but for " + strings.Join(known[:min(len(known), maxListed)], ", ")
	if more := len(known) - maxListed; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// fromBlock says in which block the files are that a host's certificate comes
// from.
func fromBlock(host string, list []admin.Certificate) error {
	for _, c := range list {
		if c.Source == admin.SourceFile && covers(c.Names, host) {
			return fmt.Errorf("the certificate of %s comes from files, those of certificate %q: whoever keeps them renews it, and popgate takes it over", host, c.Name)
		}
	}
	return fmt.Errorf("renew %s: nothing is ordered from a CA here: there is no acme block, or files have the certificate", host)
}

// covers tells whether a certificate's names have one that host matches.
//
// RFC 9525 §6.3: a wildcard stands for one whole label.
func covers(names []string, host string) bool {
	_, parent, found := strings.Cut(host, ".")
	return slices.Contains(names, host) || found && slices.Contains(names, "*."+parent)
}

// nearestHost returns the known host that was probably meant; "": none is near.
func nearestHost(host string, known []string) string {
	best, limit := "", min(4, max(1, len(host)/4)+1)
	for _, name := range known {
		if d := editDistance(host, name, limit); d < limit {
			best, limit = name, d
		}
	}
	return best
}

// editDistance is the number of octets to insert, drop or replace in order to
// make b of a, if that is below limit.
func editDistance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	last, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
		}
		last, row = row, last
	}
	return last[len(b)]
}
