package config

import "time"

// many is the most connections that a limit can be set to.
const many = 1_000_000

var limitsBlock = &block{
	name: "limits",
	words: []word{
		{name: "connections", kind: kindNumber, like: `10000`, unit: "connections", def: 10_000, least: 1, most: many},
		{name: "connections_per_ip", kind: kindNumber, like: `50`, unit: "connections", def: 50, least: 1, most: many},
		{name: "connections_per_tenant", kind: kindNumber, like: `500`, unit: "connections", def: 0, most: many},
		{name: "connections_per_user", kind: kindNumber, like: `20`, unit: "connections", def: 20, most: many},
		{name: "connections_before_login", kind: kindNumber, like: `2000`, unit: "connections", def: 2_000, least: 1, most: many},
		{name: "connection_rate", kind: kindRate, like: `"300/m"`, def: "300/m"},
		{name: "login_rate_per_ip", kind: kindRate, like: `"120/m"`, def: "120/m"},
		{name: "login_rate_per_user", kind: kindRate, like: `"60/m"`, def: "60/m"},
		{name: "login_rate", kind: kindRate, like: `"30/m"`, def: "30/m"},
		{name: "ipv4_prefix", kind: kindNumber, like: `32`, unit: "bits", def: 32, least: 8, most: 32},
		// What one household or one rented machine gets is a /64: an address alone
		// would be one of 2^64 that a guesser has.
		{name: "ipv6_prefix", kind: kindNumber, like: `64`, unit: "bits", def: 64, least: 16, most: 128},
		{name: "exempt", kind: kindTexts, like: `["192.0.2.0/24"]`, clean: network, doubt: allExempt},
		{name: "errors", kind: kindNumber, like: `3`, unit: "commands", def: 3, least: 1, most: 100},
		{name: "login_attempts", kind: kindNumber, like: `3`, unit: "logins", def: 3, least: 1, most: 100},
	},
}

var listenerLimitsBlock = &block{
	name: "limits",
	of:   "listener",
	words: overrides(
		"connections", "connections_per_ip", "connections_per_user", "connections_before_login",
		"connection_rate", "login_rate_per_ip", "login_rate_per_user", "login_rate",
		"exempt", "errors", "login_attempts",
	),
}

var tenantLimitsBlock = &block{
	name: "limits",
	of:   "tenant",
	words: append(
		[]word{{name: "connections", kind: kindNumber, like: `500`, unit: "connections", most: many}},
		overrides("connections_per_user", "login_rate_per_ip", "login_rate_per_user", "login_rate")...,
	),
}

// overrides returns words of the limits block for one that may leave each of them
// as it is there.
func overrides(names ...string) []word {
	words := make([]word, len(names))
	for i, name := range names {
		words[i] = *limitsBlock.word(name)
		words[i].def = nil
	}
	return words
}

var blockingBlock = &block{
	name: "blocking",
	words: []word{
		{name: "failures_per_user", kind: kindNumber, like: `5`, unit: "passwords", def: 5, most: 1000},
		{name: "failures_per_ip", kind: kindNumber, like: `20`, unit: "passwords", def: 20, most: 100_000},
		{name: "window", kind: kindPeriod, like: `"30m"`, def: "30m", from: time.Second, to: 30 * day},
		{name: "first", kind: kindPeriod, like: `"5m"`, def: "5m", from: time.Second, to: 30 * day},
		{name: "longest", kind: kindPeriod, like: `"24h"`, def: "24h", from: time.Second, to: 30 * day},
		{name: "remember", kind: kindPeriod, like: `"720h"`, def: "720h", from: time.Second, to: 365 * day},
		{name: "entries", kind: kindNumber, like: `50000`, unit: "entries", def: 50_000, least: 1000, most: 10_000_000},
	},
}

const day = 24 * time.Hour

// DefaultConnections is limits { connections } where it isn't written.
func DefaultConnections() int { return limitsBlock.word("connections").def.(int) }
