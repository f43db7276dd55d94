package metrics

import (
	"testing"
	"time"
)

// oneSession makes the calls that a session makes which logs in and reads mail.
func oneSession(m *Metrics) {
	open := m.SessionOpened("before_login", "pop3s", "")
	m.Handshake(Handshake{Version: "TLS 1.3", Cipher: "TLS_AES_128_GCM_SHA256", Result: "ok", Took: time.Millisecond})
	end := m.BackendTaken("legacy")
	m.Dialed("legacy", "ok")
	m.BackendUp("legacy", true)
	m.BackendAnswered("legacy", time.Millisecond)
	m.Login(Login{Mechanism: "USER", Result: "ok", Took: time.Millisecond})
	open.Close()
	open = m.SessionOpened("logged_in", "pop3s", "acme")
	m.Relayed(100, 100_000)
	end()
	open.Close()
	m.SessionLasted(time.Second)
	m.SessionEnded("pop3s", "quit")
}

// BenchmarkSession is what the numbers cost a session.
func BenchmarkSession(b *testing.B) {
	m := New()
	m.Tenants([]string{"acme"})
	m.Backends([]string{"legacy"})
	b.ReportAllocs()
	for b.Loop() {
		oneSession(m)
	}
}

// BenchmarkSessions is the same from all processors at once.
func BenchmarkSessions(b *testing.B) {
	m := New()
	m.Tenants([]string{"acme"})
	m.Backends([]string{"legacy"})
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			oneSession(m)
		}
	})
}

// BenchmarkLoginHistory is what a look at the status page costs.
func BenchmarkLoginHistory(b *testing.B) {
	m := New()
	b.ReportAllocs()
	for b.Loop() {
		_ = m.LoginHistory(time.Now())
	}
}
