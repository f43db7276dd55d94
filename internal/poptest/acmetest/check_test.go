package acmetest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"golang.org/x/crypto/acme"
)

// TestChecks: CheckHTTP and CheckALPN can say no.
func TestChecks(t *testing.T) {
	client := &acme.Client{Key: mustKey(t)}
	keyAuth, err := client.HTTP01ChallengeResponse("token")
	if err != nil {
		t.Fatal(err)
	}
	serve := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != host || r.URL.Path != client.HTTP01ChallengePath("token") {
			http.NotFound(w, r)
			return
		}
		io.WriteString(w, keyAuth+"\n")
	})
	cert, err := client.TLSALPN01ChallengeCert("token", host)
	if err != nil {
		t.Fatal(err)
	}
	plain := httptest.NewUnstartedServer(nil)
	plain.StartTLS()
	defer plain.Close()
	for name, tt := range map[string]struct {
		err  error
		good bool
	}{
		"http":             {CheckHTTP(serve, host, "token", keyAuth), true},
		"http, answer":     {CheckHTTP(serve, host, "token", keyAuth+"x"), false},
		"http, token":      {CheckHTTP(serve, host, "other", keyAuth), false},
		"http, host":       {CheckHTTP(serve, "www.example.com", "token", keyAuth), false},
		"alpn":             {CheckALPN(cert.Certificate[0], host, keyAuth), true},
		"alpn, answer":     {CheckALPN(cert.Certificate[0], host, keyAuth+"x"), false},
		"alpn, host":       {CheckALPN(cert.Certificate[0], "www.example.com", keyAuth), false},
		"alpn, usual cert": {CheckALPN(plain.Certificate().Raw, "example.com", keyAuth), false},
		"alpn, rubbish":    {CheckALPN([]byte("rubbish"), host, keyAuth), false},
	} {
		if (tt.err == nil) != tt.good {
			t.Errorf("%s: %v", name, tt.err)
		}
	}
}
