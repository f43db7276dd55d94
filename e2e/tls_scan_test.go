package e2e

import (
	"crypto/tls"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// scan is what a scanner found out about a TLS server.
type scan struct {
	versions []string // those spoken: "2" and "3" of SSL, "1.0" to "1.3" of TLS; sorted
	suites   []string // their names at IANA, sorted
	faults   []string // what else the scanner doesn't like, in its own words
}

// policy is what popgate offers where it has an RSA and an ECDSA certificate: ephemeral keys and AEAD, nothing else.
var policy = scan{
	versions: []string{"1.2", "1.3"},
	suites: []string{
		"TLS_AES_128_GCM_SHA256",
		"TLS_AES_256_GCM_SHA384",
		"TLS_CHACHA20_POLY1305_SHA256",
		"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
		"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
		"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
		"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
		"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
		"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
	},
}

// scanners are the programs that look at a server from the outside.
var scanners = map[string]func(testing.TB, endpoint) scan{"sslscan": sslscan, "testssl": testssl}

// startBothKinds runs popgate with an ECDSA and an RSA certificate for its host. Only with an RSA key could the weak
// suites of old be offered at all.
func startBothKinds(t testing.TB) *popgate {
	t.Helper()
	s := settings{backends: backend("legacy", startBuiltin(t).port())}.filled(t)
	dir := folder(t)
	cert, key := newRSAKeys(t, dir)
	text := strings.Replace(s.text(newKeys(t, dir, s.hosts...)), "tls {\n",
		"tls {\n  certificate \"rsa\" {\n    cert_file = \""+cert+"\"\n    key_file = \""+key+"\"\n  }\n", 1)
	p := &popgate{config: write(t, dir+"/config.hcl", text)}
	p.implicit = endpoint{host: host, port: s.ports[0], security: implicitTLS}
	p.starttls = endpoint{host: host, port: s.ports[1], security: startTLS}
	p.process = start(t, "popgate", command("serve", "--config", p.config))
	t.Cleanup(func() { p.check(t) })
	for _, port := range s.ports {
		awaitPort(t, p.process, port, func(net.Conn) bool { return true })
	}
	return p
}

// TestScannersFindThePolicyOnly: with TLS from the first byte and behind STLS, scanners find TLS 1.2 and 1.3 with the
// suites of the policy, and nothing else to tell.
func TestScannersFindThePolicyOnly(t *testing.T) {
	t.Parallel()
	p := startBothKinds(t)
	for name, scanner := range scanners {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// One after the other, as a scan takes much of a machine.
			for _, e := range []endpoint{p.implicit, p.starttls} {
				got := scanner(t, e)
				if !slices.Equal(got.versions, policy.versions) {
					t.Errorf("%s: versions %q, want %q", e.security, got.versions, policy.versions)
				}
				if !slices.Equal(got.suites, policy.suites) {
					t.Errorf("%s: suites\n%s\nwant\n%s", e.security,
						strings.Join(got.suites, "\n"), strings.Join(policy.suites, "\n"))
				}
				for _, fault := range got.faults {
					t.Errorf("%s: %s", e.security, fault)
				}
			}
		})
	}
}

// TestNoEarlyData: session tickets allow no data before the handshake's end, which could be sent twice by others.
func TestNoEarlyData(t *testing.T) {
	t.Parallel()
	p := startBothKinds(t)
	for _, e := range []endpoint{p.implicit, p.starttls} {
		args := []string{"s_client", "-connect", loopback(e.port), "-servername", e.host, "-tls1_3", "-crlf", "-ign_eof"}
		if e.security == startTLS {
			args = append(args, "-starttls", "pop3")
		}
		out, r := run(t, t.TempDir(), "QUIT\n", need(t, "openssl"), args...)
		r.ok(t)
		text := string(out)
		tickets, none := strings.Count(text, "Max Early Data:"), strings.Count(text, "Max Early Data: 0\n")
		if tickets == 0 || tickets != none {
			t.Errorf("%s: tickets allow early data, or there are none:\n%s", e.security, text)
		}
	}
}

// TestScannersSeeWeakness: what a weak server offers is found, so that silence means something.
func TestScannersSeeWeakness(t *testing.T) {
	t.Parallel()
	const weak = "TLS_RSA_WITH_AES_128_CBC_SHA"
	port := startWeak(t, tls.TLS_RSA_WITH_AES_128_CBC_SHA)
	for name, scanner := range scanners {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := scanner(t, endpoint{host: host, port: port, security: implicitTLS})
			if want := []string{"1.0", "1.1", "1.2"}; !slices.Equal(got.versions, want) {
				t.Errorf("versions %q, want %q", got.versions, want)
			}
			if !slices.Equal(got.suites, []string{weak}) {
				t.Errorf("suites %q, want %q", got.suites, weak)
			}
			if len(got.faults) == 0 {
				t.Error("no fault found")
			}
		})
	}
}

// startWeak runs a server that speaks old TLS with one suite, until the test ends.
func startWeak(t testing.TB, suite uint16) (port int) {
	t.Helper()
	cert, err := tls.LoadX509KeyPair(newRSAKeys(t, t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{cert},
		MinVersion:   tls.VersionTLS10, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite},
	})
	if err != nil {
		t.Fatal(err)
	}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer c.Close()
				c.SetDeadline(time.Now().Add(patience))
				c.Read(make([]byte, 100))
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		conns.Wait()
	})
	return l.Addr().(*net.TCPAddr).Port
}
