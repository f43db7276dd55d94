package e2e

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// sslscan runs the program of that name.
func sslscan(t testing.TB, e endpoint) scan {
	t.Helper()
	args := []string{"--no-colour", "--xml=-", "--sni-name=" + e.host}
	if e.security == startTLS {
		args = append(args, "--starttls-pop3")
	}
	out, r := run(t, t.TempDir(), "", need(t, "sslscan"), append(args, loopback(e.port))...)
	r.ok(t)
	var found struct {
		Test struct {
			Protocols []struct {
				Version string `xml:"version,attr"`
				Enabled bool   `xml:"enabled,attr"`
			} `xml:"protocol"`
			Renegotiation struct {
				Supported bool `xml:"supported,attr"`
			} `xml:"renegotiation"`
			Compression struct {
				Supported bool `xml:"supported,attr"`
			} `xml:"compression"`
			Heartbleed []struct {
				Vulnerable bool `xml:"vulnerable,attr"`
			} `xml:"heartbleed"`
			Ciphers []struct {
				ID       string `xml:"id,attr"`
				Name     string `xml:"cipher,attr"`
				Strength string `xml:"strength,attr"`
			} `xml:"cipher"`
		} `xml:"ssltest"`
	}
	if err := xml.Unmarshal(out, &found); err != nil {
		t.Fatalf("sslscan's report: %v\n%s", err, out)
	}
	var s scan
	for _, p := range found.Test.Protocols {
		if p.Enabled {
			s.versions = append(s.versions, p.Version)
		}
	}
	for _, c := range found.Test.Ciphers {
		s.add(t, c.ID)
		if c.Strength != "strong" && c.Strength != "acceptable" || strings.Contains(c.Name, "CBC") || !ephemeral(c.Name) {
			s.faults = append(s.faults, fmt.Sprintf("%s is %s", c.Name, c.Strength))
		}
	}
	for what, there := range map[string]bool{
		"renegotiation": found.Test.Renegotiation.Supported,
		"compression":   found.Test.Compression.Supported,
	} {
		if there {
			s.faults = append(s.faults, what)
		}
	}
	for _, h := range found.Test.Heartbleed {
		if h.Vulnerable {
			s.faults = append(s.faults, "Heartbleed")
		}
	}
	return s.sorted(t, len(found.Test.Protocols))
}

// ephemeral tells whether OpenSSL's name of a suite is one with keys of its own for each session.
func ephemeral(name string) bool {
	return strings.HasPrefix(name, "ECDHE-") || strings.HasPrefix(name, "TLS_")
}

// add notes a suite, whose number is in hexadecimal behind an x.
func (s *scan) add(t testing.TB, number string) {
	t.Helper()
	_, digits, _ := strings.Cut(number, "x")
	id, err := strconv.ParseUint(digits, 16, 16)
	if err != nil {
		t.Fatalf("suite %q: %v", number, err)
	}
	s.suites = append(s.suites, tls.CipherSuiteName(uint16(id)))
}

// sorted returns the scan in order, each suite once, and fails the test if the scanner has looked at less than the six
// versions from SSL 2 on.
func (s scan) sorted(t testing.TB, versions int) scan {
	t.Helper()
	if versions != 6 {
		t.Errorf("the scanner tells of %d versions, want 6", versions)
	}
	slices.Sort(s.versions)
	slices.Sort(s.suites)
	s.suites = slices.Compact(s.suites)
	return s
}

// testsslFinding is one line of testssl.sh's report.
type testsslFinding struct{ ID, Severity, Finding string }

// testsslVersions are the protocols as testssl.sh calls them.
var testsslVersions = map[string]string{
	"SSLv2": "2", "SSLv3": "3", "TLS1": "1.0", "TLS1_1": "1.1", "TLS1_2": "1.2", "TLS1_3": "1.3",
}

// testsslChecks are the checks that are asked for, beside those of protocols and suites, as their lines are called.
var testsslChecks = []string{"secure_renego", "secure_client_renego", "CRIME_TLS", "heartbleed"}

// testssl runs those parts of testssl.sh that are about a server's policy. All of it would take a minute and more.
func testssl(t testing.TB, e endpoint) scan {
	t.Helper()
	var s scan
	versions := 0
	done := map[string]bool{}
	for _, f := range runTestssl(t, e,
		"--protocols", "--cipher-per-proto", "--renegotiation", "--compression", "--heartbleed") {
		done[f.ID] = true
		version, isVersion := testsslVersions[f.ID]
		switch {
		case isVersion:
			versions++
			if strings.HasPrefix(f.Finding, "offered") {
				s.versions = append(s.versions, version)
			}
		case strings.HasPrefix(f.ID, "cipher-"):
			s.add(t, f.ID)
			continue // The report doesn't rate them here.
		}
		// Deliberate: its missing GOST engine is the only warning that says nothing of the server.
		if f.Severity != "OK" && f.Severity != "INFO" && f.Severity != "DEBUG" && f.ID != "engine_problem" {
			s.faults = append(s.faults, fmt.Sprintf("%s (%s): %s", f.ID, f.Severity, f.Finding))
		}
	}
	for _, check := range testsslChecks {
		if !done[check] {
			t.Errorf("testssl.sh says nothing of %s", check)
		}
	}
	return s.sorted(t, versions)
}

// runTestssl runs some checks of testssl.sh and returns its report. Its exit code is the number of findings.
func runTestssl(t testing.TB, e endpoint, checks ...string) []testsslFinding {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "report.json")
	// No DNS, no questions, and the machine's openssl instead of an old one of its own.
	args := append([]string{"--quiet", "--color", "0", "--warnings", "off", "--ip", "127.0.0.1", "--nodns", "none",
		"--openssl", need(t, "openssl"), "--jsonfile", file}, checks...)
	if e.security == startTLS {
		args = append(args, "--starttls", "pop3")
	}
	out, r := run(t, dir, "", need(t, "testssl"), append(args, fmt.Sprintf("%s:%d", e.host, e.port))...)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("testssl.sh ended with code %d and has no report: %v\n%s%s", r.code, err, out, r.output)
	}
	var report []testsslFinding
	if err := json.Unmarshal(text, &report); err != nil {
		t.Fatalf("testssl.sh's report: %v\n%s", err, text)
	}
	return report
}

// newRSAKeys makes an RSA key with a certificate for the tests' host that it signed itself; scanners don't mind.
func newRSAKeys(t testing.TB, dir string) (cert, key string) {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		DNSNames:     []string{host},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	signed, err := x509.CreateCertificate(rand.Reader, leaf, leaf, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "rsa.crt"), filepath.Join(dir, "rsa.key")
	writePEM(t, cert, "CERTIFICATE", signed)
	writePEM(t, key, "PRIVATE KEY", encoded)
	return cert, key
}
