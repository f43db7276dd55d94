package main

import (
	"errors"
	"flag"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestOptionsDefaults(t *testing.T) {
	o, err := parseOptions([]string{"--popgate", "x"}, noon, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if o.rounds != 5 || o.scale != 1 || o.keyExchange != exchangeBoth || o.sessions != 2000 || o.hold != 15*time.Second ||
		o.raw != "bench/results/20261123-120000.jsonl" {
		t.Errorf("got %+v", o)
	}
	if !slices.Equal(o.only, []string{"session", "retr4k", "retr64k", "retr10m"}) ||
		!slices.Equal(o.peers, []string{"popgate", "haproxy", "nginx"}) {
		t.Errorf("got works %v, peers %v", o.only, o.peers)
	}
}

func TestQuickYieldsToWhatIsSet(t *testing.T) {
	o, err := parseOptions([]string{"--quick", "--peers", "nginx"}, noon, io.Discard)
	if err != nil || o.rounds != 1 || o.scale != 0.05 || o.sessions != 200 || o.hold != time.Second || !strings.HasSuffix(o.raw, "-quick.jsonl") {
		t.Errorf("got %+v, %v", o, err)
	}
	o, err = parseOptions([]string{"--rounds=3", "--quick", "--peers", "nginx", "--raw", "r", "--scale", "1", "--sessions", "9", "--hold", "2s"}, noon, io.Discard)
	if err != nil || o.rounds != 3 || o.scale != 1 || o.sessions != 9 || o.hold != 2*time.Second || o.raw != "r" {
		t.Errorf("got %+v, %v", o, err)
	}
}

func TestOptionsRefused(t *testing.T) {
	for args, want := range map[string]string{
		"":                                     "--popgate must name",
		"--peers nginx --rounds 0":             "--rounds 0",
		"--peers nginx --rounds 101":           "--rounds 101",
		"--peers nginx --scale 0":              "--scale 0",
		"--peers nginx --scale NaN":            "--scale NaN",
		"--peers nginx --sessions 20001":       "--sessions 20001",
		"--peers nginx --hold -1s":             "--hold -1s",
		"--peers nginx --only session,retr":    `no "retr"`,
		"--peers , --only session":             "--peers: nothing chosen",
		"--peers squid":                        `no "squid"`,
		"--peers nginx --key-exchange ffdhe":   `no "ffdhe"`,
		"--peers nginx more":                   `unexpected argument "more"`,
		"--peers nginx --rounds 0 --only x -x": "not defined",
	} {
		if _, err := parseOptions(strings.Fields(args), noon, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q in it", args, err, want)
		}
	}
	if _, err := parseOptions([]string{"-h"}, noon, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: got %v", err)
	}
}
