package tlsconf

import (
	"crypto/tls"
	"slices"
	"strings"
	"testing"
)

func TestVersions(t *testing.T) {
	files, _ := newFiles(t, t.TempDir(), "main", "pop.example.com")
	for _, tt := range []struct {
		min    uint16
		client uint16
		ok     bool
	}{
		{0, tls.VersionTLS10, false},
		{0, tls.VersionTLS11, false},
		{0, tls.VersionTLS12, true},
		{0, tls.VersionTLS13, true},
		{tls.VersionTLS12, tls.VersionTLS11, false},
		{tls.VersionTLS13, tls.VersionTLS12, false},
		{tls.VersionTLS13, tls.VersionTLS13, true},
	} {
		s := newTestSource(t, Options{Certificates: []Files{files}, MinVersion: tt.min})
		_, alert := served(t, s, &tls.Config{ServerName: "pop.example.com", MinVersion: tls.VersionTLS10, MaxVersion: tt.client})
		if tt.ok != (alert == 0) || !tt.ok && alert != alertProtocolVersion {
			t.Errorf("lowest %x, client's highest %s: alert %d", tt.min, tls.VersionName(tt.client), alert)
		}
	}
	for _, low := range []uint16{tls.VersionTLS10, tls.VersionTLS11, 0x0305, 1} {
		if _, err := New(Options{Certificates: []Files{files}, MinVersion: low}); err == nil {
			t.Errorf("lowest version %x was accepted", low)
		}
	}
}

// Every suite that Go knows for TLS 1.2 is offered alone, with both kinds of
// key to be had: only ephemeral keys with AEAD get through.
func TestSuites(t *testing.T) {
	dir := t.TempDir()
	ecdsaFiles, _ := newFiles(t, dir, "ecdsa", "pop.example.com")
	rsaFiles := newPEM(t, issue{names: []string{"pop.example.com"}, rsa: true}).write(t, dir, "rsa")
	s := newTestSource(t, Options{Certificates: []Files{ecdsaFiles, rsaFiles}})

	refused := 0
	for _, suite := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		if !slices.Contains(suite.SupportedVersions, tls.VersionTLS12) {
			continue
		}
		strong := strings.Contains(suite.Name, "_ECDHE_") &&
			(strings.Contains(suite.Name, "_GCM_") || strings.Contains(suite.Name, "_CHACHA20_POLY1305_"))
		_, alert := served(t, s, &tls.Config{
			ServerName:   "pop.example.com",
			MaxVersion:   tls.VersionTLS12,
			CipherSuites: []uint16{suite.ID},
		})
		if strong != (alert == 0) || !strong && alert != alertHandshakeFailure {
			t.Errorf("%s: alert %d", suite.Name, alert)
		}
		if !strong {
			refused++
		}
	}
	if refused == 0 {
		t.Error("no weak suite was tried")
	}
}

func TestALPN(t *testing.T) {
	files, _ := newFiles(t, t.TempDir(), "main", "pop.example.com")
	s := newTestSource(t, Options{Certificates: []Files{files}})
	for _, tt := range []struct {
		offered []string
		want    string
		alert   int
	}{
		{nil, "", 0},
		{[]string{"pop3"}, "pop3", 0},
		{[]string{"imap", "pop3"}, "pop3", 0},
		{[]string{"imap"}, "", alertNoProtocol},
		{[]string{"h2", "http/1.1"}, "", alertNoProtocol},
		{[]string{"http/1.1"}, "", alertNoProtocol},
		{[]string{"POP3"}, "", alertNoProtocol},
		{[]string{"acme-tls/1"}, "", alertNoProtocol},
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			state, err := handshake(t, s, &tls.Config{
				ServerName: "pop.example.com", MaxVersion: version, NextProtos: tt.offered, InsecureSkipVerify: true})
			alert := 0
			if err != nil {
				alert = alertOf(t, err)
			}
			if alert != tt.alert || alert == 0 && state.NegotiatedProtocol != tt.want {
				t.Errorf("%v, %s: alert %d, chosen %q", tt.offered, tls.VersionName(version), alert, state.NegotiatedProtocol)
			}
		}
	}
}

func TestHybridKeyExchangeIsOn(t *testing.T) {
	files, _ := newFiles(t, t.TempDir(), "main", "pop.example.com")
	s := newTestSource(t, Options{Certificates: []Files{files}})
	state, err := handshake(t, s, &tls.Config{
		ServerName: "pop.example.com", InsecureSkipVerify: true, CurvePreferences: []tls.CurveID{tls.X25519MLKEM768}})
	must(t, err)
	if state.CurveID != tls.X25519MLKEM768 {
		t.Errorf("agreed on %v", state.CurveID)
	}
}

func TestConfigIsOneAndTheSame(t *testing.T) {
	s := newTestSource(t, Options{SelfSigned: true})
	config := s.ServerConfig()
	if config != s.ServerConfig() {
		t.Error("each call makes a configuration of its own")
	}
	if !config.DynamicRecordSizingDisabled || config.SessionTicketsDisabled || config.CurvePreferences != nil {
		t.Error("record sizes, tickets or curves are not as the policy has them")
	}
}
