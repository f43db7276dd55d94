// Package demo is a small POP3 server that keeps its maildrops in memory: the
// one behind `popgate demo`, and a well-behaved backend for tests.
//
// It stands for the legacy servers that popgate is put before: RFC 1939 in
// clear text, without TLS, with USER/PASS and, if asked for, SASL PLAIN. What
// it does with deletions is exact, so that a test can trust it: messages go
// only when a session that marked them sends a whole QUIT line. It knows the
// wire (package pop3) and nothing of proxies, and must not learn of them.
// Start with [New].
package demo
