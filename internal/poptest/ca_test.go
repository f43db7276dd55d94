package poptest

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

func TestCA(t *testing.T) {
	ca := NewCA(t)
	cert := ca.Issue("pop.example.com", "*.acme.example", "127.0.0.1")
	for _, name := range []string{"pop.example.com", "pop.acme.example", "127.0.0.1"} {
		options := x509.VerifyOptions{Roots: ca.Pool(), DNSName: name}
		if _, err := cert.Leaf.Verify(options); err != nil {
			t.Errorf("now: %v", err)
		}
		options.CurrentTime = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
		if _, err := cert.Leaf.Verify(options); err != nil {
			t.Errorf("in a bubble: %v", err)
		}
	}
	if _, err := cert.Leaf.Verify(x509.VerifyOptions{Roots: NewCA(t).Pool()}); err == nil {
		t.Error("another CA's certificate is trusted")
	}
	certFile, keyFile := ca.WriteFiles(t, t.TempDir(), "*.acme.example")
	if _, err := tls.LoadX509KeyPair(certFile, keyFile); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(keyFile); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key file: %v, %v", info, err)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(ca.PEM()) {
		t.Error("PEM holds no certificate")
	}
}

func TestTLSOverAPipeInABubble(t *testing.T) {
	ca := NewCA(t)
	cert := ca.Issue("pop.example.com")
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe()
		client := tls.Client(a, &tls.Config{RootCAs: ca.Pool(), ServerName: "pop.example.com"})
		server := tls.Server(b, &tls.Config{Certificates: []tls.Certificate{cert}})
		go func() {
			server.Write([]byte("+OK\r\n"))
			server.Close()
		}()
		mustRead(t, client, "+OK\r\n")
		client.Close()
	})
}
