package main

import (
	"fmt"
	"strings"
	"testing"

	"popgate/internal/admin"
)

// TestAdvice: every kind of problem has its next step, in one line, also as a
// whole URN, and for words that nobody has heard of.
func TestAdvice(t *testing.T) {
	general := advice("", certHost)
	for _, kind := range []string{
		"dns", "connection", "tls", "unauthorized", "incorrectResponse", "rateLimited", "caa", "rejectedIdentifier",
		"unsupportedIdentifier", "externalAccountRequired", "userActionRequired", "accountDoesNotExist", "invalidContact",
		"network", "certificate", "challenge",
	} {
		text := advice(kind, certHost)
		if text == general || !strings.HasPrefix(text, "next: ") || strings.Contains(text, "\n") {
			t.Errorf("%s: %q", kind, text)
		}
		if urn := advice("urn:ietf:params:acme:error:"+kind, certHost); urn != text {
			t.Errorf("%s: as a URN it is %q", kind, urn)
		}
	}
	for _, kind := range []string{"", "internal", "somethingNew", ":"} {
		if text := advice(kind, certHost); text != general {
			t.Errorf("%q: %q", kind, text)
		}
	}
}

// TestUnknownHost: the hosts that are there, ten at most, and the nearest.
func TestUnknownHost(t *testing.T) {
	var many []admin.Certificate
	for i := range 12 {
		many = append(many, admin.Certificate{Name: fmt.Sprintf("host-number-%02d.example.com", i), Source: admin.SourceACME})
	}
	many = append(many, admin.Certificate{Name: "files", Source: admin.SourceFile})
	text := unknownHost("pop.example.com", many).Error()
	if !strings.HasSuffix(text, "host-number-09.example.com and 2 more") || strings.Contains(text, "files") || strings.Contains(text, "mean") {
		t.Errorf("it says %q", text)
	}
	if text := unknownHost("pop.example.com", nil).Error(); !strings.HasSuffix(text, "nor for any other host") {
		t.Errorf("it says %q", text)
	}
}

// TestNearestHost: typing mistakes, not other names.
func TestNearestHost(t *testing.T) {
	known := []string{"mail.example.com", "pop.example.com", "pop3.example.com"}
	for given, want := range map[string]string{
		"pop.exampl.com":                        "pop.example.com",
		"pop.example.co":                        "pop.example.com",
		"popp.example.com":                      "pop.example.com",
		"mial.example.com":                      "mail.example.com",
		"imap.example.org":                      "",
		"x":                                     "",
		"":                                      "",
		strings.Repeat("pop.example.com", 1000): "",
	} {
		if got := nearestHost(given, known); got != want {
			t.Errorf("%.40q: %q, want %q", given, got, want)
		}
	}
}

// TestCovers: a wildcard stands for one whole label.
func TestCovers(t *testing.T) {
	names := []string{"*.example.com", "pop.example.net"}
	for host, want := range map[string]bool{
		"a.example.com": true, "pop.example.net": true,
		"example.com": false, "a.b.example.com": false, "a.example.net": false, "com": false, "": false,
	} {
		if covers(names, host) != want {
			t.Errorf("%q: %v", host, !want)
		}
	}
}
