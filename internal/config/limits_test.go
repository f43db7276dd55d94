package config

import (
	"reflect"
	"testing"
	"time"
)

func TestParseRate(t *testing.T) {
	for given, want := range map[string]Rate{
		"1/s": {1, time.Second}, "60/m": {60, time.Minute}, "1000000/h": {1_000_000, time.Hour}, "off": {},
	} {
		if got, ok := parseRate(given); !ok || got != want {
			t.Errorf("%q gave %+v, %v; want %+v", given, got, ok, want)
		}
	}
	for _, given := range []string{
		"", "/", "/m", "60", "60/", "60/d", "60/M", "60/min", "60/ m", "60 /m", " 60/m", "60/m ", "60/m/m", "60m",
		"+60/m", "060/m", "0x3c/m", "6e1/m", "60.0/m", "1_000/m", "٦٠/m", "Off", "99999999999999999999/m", "m/60",
	} {
		if got, ok := parseRate(given); ok {
			t.Errorf("%q gave %+v", given, got)
		}
	}
}

// TestLimitsBlocksAreTheirOwn: what a listener or a tenant has for a word doesn't
// show anywhere else, and what it hasn't is nil.
func TestLimitsBlocksAreTheirOwn(t *testing.T) {
	plain := parse(t, least)
	c := parse(t, least+`
listener "a" {
  address = ":995"
  limits { connections = 7 }
}
listener "b" {
  address = ":1995"
}
tenant "a" {
  domains = ["a.example"]
  backend = "legacy"
  limits { login_rate = "off" }
}
tenant "b" {
  domains = ["b.example"]
  backend = "legacy"
}
`)
	if !reflect.DeepEqual(c.Limits, plain.Limits) {
		t.Errorf("the top has %+v", c.Limits)
	}
	for name, got := range map[string]struct{ is, want Override }{
		"listener a": {c.Listeners[0].Limits, Override{Connections: new(7)}},
		"listener b": {c.Listeners[1].Limits, Override{}},
		"tenant a":   {c.Tenants[0].Limits, Override{LoginRate: &Rate{}}},
		"tenant b":   {c.Tenants[1].Limits, Override{}},
	} {
		if !reflect.DeepEqual(got.is, got.want) {
			t.Errorf("%s has %+v, want %+v", name, got.is, got.want)
		}
	}
	if c.Tenants[0].LoginDelay != 0 || c.Tenants[0].Policies != nil || c.Policies != nil || c.Networks != nil {
		t.Errorf("something that wasn't written: %+v", c)
	}
}

// TestOverridesAreBoundAsTheTop: a word has one meaning and one range everywhere.
func TestOverridesAreBoundAsTheTop(t *testing.T) {
	for _, b := range []*block{listenerLimitsBlock, tenantLimitsBlock} {
		for i := range b.words {
			w := &b.words[i]
			top := limitsBlock.word(w.name)
			if w.def != nil {
				t.Errorf("%s has a default for %s", b.title(), w.name)
			}
			if top.kind != w.kind || top.most != w.most || top.unit != w.unit || top.least != w.least && b != tenantLimitsBlock {
				t.Errorf("%s: %+v, but the top has %+v", b.title(), w, top)
			}
		}
	}
	for i := range limitsBlock.words {
		if w := &limitsBlock.words[i]; w.def == nil && w.name != "exempt" {
			t.Errorf("%s has no default", w.name)
		}
	}
}
