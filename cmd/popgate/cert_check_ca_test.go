package main

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"popgate/internal/config"
	"popgate/internal/poptest"
	"popgate/internal/poptest/acmetest"
	"popgate/tlsconf"
)

// caChecker is a checker for a directory, with a binding or without.
func caChecker(directory, caFile string, bound bool) *checker {
	acme := &config.ACME{Directory: directory, CAFile: caFile}
	if bound {
		acme.EAB = &config.EAB{KeyID: "kid"}
	}
	return newChecker(&config.Config{TLS: config.TLS{ACME: acme}})
}

// TestCheckDirectory: what a CA, or who answers in its place, may say.
func TestCheckDirectory(t *testing.T) {
	whole := `{"newNonce":"https://ca.test/n","newAccount":"https://ca.test/a","newOrder":"https://ca.test/o"}`
	binding := strings.Replace(whole, "}", `,"meta":{"externalAccountRequired":true}}`, 1)
	for _, test := range []struct {
		name   string
		status int
		body   string
		bound  bool
		want   string
		says   []string // of the first finding
	}{
		{"fine", 200, whole, false, "ok directory, ok clock", []string{"is an ACME directory"}},
		{"binding, had", 200, binding, true, "ok directory, ok clock, ok eab", nil},
		{"binding, not had", 200, binding, false, "ok directory, ok clock, fail eab", nil},
		{"binding, not wanted", 200, whole, true, "ok directory, ok clock", nil},
		{"not found", 404, "<html>\x1b", false, "fail directory, ok clock", []string{`status 404 Not Found, "<html>\x1b"`}},
		{"overloaded", 503, "", false, "fail directory, ok clock", []string{"503", "with nothing in it"}},
		{"redirection", 301, whole, false, "fail directory, ok clock", []string{"301"}},
		{"web page", 200, "<html>" + strings.Repeat("x", 9999), false, "fail directory, ok clock", []string{"is no ACME directory, but says \"<html>x"}},
		{"other JSON", 200, `{"new-reg":"https://ca.test/"}`, false, "fail directory, ok clock", []string{"no ACME directory"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				_, _ = w.Write([]byte(test.body))
			}))
			defer server.Close()
			k := caChecker(server.URL, "", test.bound)
			k.transport = server.Client().Transport
			found := k.checkCA(t.Context())
			if got := verdicts(found); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			wantFinding(t, found[:1], verdict(found[0]), append(test.says, server.URL)...)
			if len(found[0].Detail) > 400 {
				t.Errorf("%d octets of detail", len(found[0].Detail))
			}
		})
	}
}

// TestCheckDirectoryStaging: that a directory is one for trials is said.
func TestCheckDirectoryStaging(t *testing.T) {
	k := caChecker(tlsconf.LetsEncryptStaging, "", false)
	ca := acmetest.New(t, acmetest.Options{Host: "acme-staging-v02.api.letsencrypt.org"})
	k.transport = ca
	wantFinding(t, k.checkCA(t.Context()), "ok directory", "for trials, whose certificates no client trusts")
}

// TestCheckDirectoryUnreachable: why there was no answer, and what to do, by
// what went wrong with the connection.
func TestCheckDirectoryUnreachable(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = quiet()
	server.StartTLS()
	defer server.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	right := write("right.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	wrong := write("wrong.pem", poptest.NewCA(t).PEM())
	for _, test := range []struct {
		name, directory, caFile string
		says                    []string
	}{
		{"nobody listens", "https://" + freeAddress(t) + "/directory", right, []string{"refused", "firewall"}},
		{"no such host", "https://ca.popgate.invalid/directory", right, []string{"ca.popgate.invalid", "DNS"}},
		{"unknown CA", server.URL, "", []string{"unknown authority", "Acme Co", "name a private CA's own certificate in ca_file"}},
		{"other CA", server.URL, wrong, []string{"unknown authority", "ca_file must hold the CA"}},
		{"other name", strings.Replace(server.URL, "127.0.0.1", "localhost", 1), right, []string{"not localhost", "for another name"}},
		{"no TLS", strings.Replace(plain.URL, "http://", "https://", 1), right, []string{"doesn't speak TLS"}},
		{"no ca_file", server.URL, filepath.Join(dir, "none.pem"), []string{"none.pem", "no such file"}},
		{"a folder as ca_file", server.URL, dir, []string{dir, "no regular file"}},
		{"empty ca_file", server.URL, write("empty.pem", nil), []string{"empty.pem", "no certificate in PEM form"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			found := caChecker(test.directory, test.caFile, false).checkCA(t.Context())
			if len(found) != 1 {
				t.Errorf("findings %s", verdicts(found))
			}
			wantFinding(t, found, "fail directory", test.says...)
		})
	}
}

// TestCheckClock: what differences are worth a word.
func TestCheckClock(t *testing.T) {
	date := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		skew   time.Duration
		header string
		want   string
		says   string
	}{
		{0, date.Format(http.TimeFormat), "ok clock", "0s ahead of the CA's"},
		{-5 * time.Minute, date.Format(http.TimeFormat), "ok clock", "5m0s behind the CA's"},
		{5*time.Minute + time.Second, date.Format(http.TimeFormat), "warn clock", "5m1s ahead of the CA's → set the clock"},
		{-time.Hour, date.Format(http.TimeFormat), "warn clock", "1h0m0s behind"},
		{time.Hour + time.Second, date.Format(http.TimeFormat), "fail clock", "1h0m1s ahead of"},
		{-100 * 24 * time.Hour, date.Format(http.TimeFormat), "fail clock", "2400h0m0s behind"},
		{0, "", "warn clock", "no date"},
		{0, "yesterday", "warn clock", "no date"},
	} {
		k := &checker{now: func() time.Time { return date.Add(test.skew) }}
		wantFinding(t, []finding{k.checkClock(test.header)}, test.want, test.says)
	}
}
