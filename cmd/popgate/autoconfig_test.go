package main

import (
	"reflect"
	"testing"

	"popgate/internal/autoconfig"
	"popgate/internal/config"
)

// Which domains are served, and what is told about each.
func TestAutoconfigDomains(t *testing.T) {
	cfg := &config.Config{
		Hostname: "machine.example.com",
		Tenants: []config.Tenant{
			{Hosts: []string{"pop.acme.example", "old.acme.example"}, Domains: []string{"acme.example", "bücher.example"}},
			{Domains: []string{"bare.example"}},
		},
	}
	if got := autoconfigDomains(cfg); got != nil {
		t.Errorf("without a block: %v", got)
	}
	told := func(server string) autoconfig.Settings {
		return autoconfig.Settings{Server: server, Port: 1995, StartTLS: true, LocalPart: true,
			Outgoing: autoconfig.Outgoing{Server: "smtp.example.com", Port: 587, StartTLS: true}}
	}
	cfg.Autoconfig = &config.Autoconfig{
		Port: 1995, StartTLS: true, LocalPart: true, Domains: []string{"acme.example", "other.example"},
		SMTP: &config.SMTP{Server: "smtp.example.com", Port: 587, StartTLS: true},
	}
	want := autoconfig.Domains{
		"acme.example": told("pop.acme.example"), "bücher.example": told("pop.acme.example"), "xn--bcher-kva.example": told("pop.acme.example"),
		"bare.example": told("machine.example.com"), "other.example": told("machine.example.com"),
	}
	if got := autoconfigDomains(cfg); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
	cfg.Autoconfig.Server = "mail.example.com"
	for domain := range want {
		if got := autoconfigDomains(cfg)[domain]; got != told("mail.example.com") {
			t.Errorf("%s: %v", domain, got)
		}
	}
	cfg.Autoconfig.Server = ""
	cfg.TLS.ACME = &config.ACME{Hosts: []string{"pop.example.com"}}
	if got := autoconfigDomains(cfg)["other.example"]; got != told("pop.example.com") {
		t.Errorf("beside certificates of a CA: %v", got)
	}
}
