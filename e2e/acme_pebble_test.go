package e2e

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

// buildPebble compiles Pebble and its DNS server, as the tools module names them, beside the program under test. It
// happens once, and only if a test needs them.
var buildPebble = sync.OnceValues(func() (dir string, err error) {
	dir = filepath.Join(filepath.Dir(program), "pebble") + string(filepath.Separator)
	const commands = "github.com/letsencrypt/pebble/v2/cmd/"
	cmd := exec.Command("go", "-C", filepath.Join("..", "tools"), "build", "-mod=readonly", "-o", dir,
		commands+"pebble", commands+"pebble-challtestsrv")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build Pebble: %w\n%s", err, out)
	}
	return dir, nil
})

// pebble is a certificate authority for one test: Pebble, with a DNS server that answers 127.0.0.1 for every name. It
// can be stopped and started again on the same ports. Then it has a new root and knows no account any more, as it keeps
// nothing on disk.
type pebble struct {
	*process      // the latest run
	runs          []*process
	options       pebbleOptions
	programs, dir string
	keys          keyFiles // of its own HTTPS

	acme, management, dns int // its ports
	http, https           int // the ports that it sends validations to
}

// pebbleOptions says how Pebble differs from a CA that is in order.
type pebbleOptions struct {
	validity    time.Duration     // of certificates; zero: 90 days
	accountKeys map[string]string // key id to HMAC key, base64url: an account needs one of them; nil: it needs none
	badNonces   int               // percentage of good nonces that are refused
	strict      bool              // Pebble's -strict
	down        bool              // it isn't started yet
	room        []string          // the command that runs others in a room, where Pebble is to be; nil: none
}

// startPebble runs a Pebble of its own for the test, unless the options say that it is down.
func startPebble(t testing.TB, options pebbleOptions) *pebble {
	t.Helper()
	programs, err := buildPebble()
	if err != nil {
		missing(t, "Pebble can't be built from the tools module: %v", err)
	}
	p := &pebble{options: options, programs: programs, dir: folder(t)}
	for _, port := range []*int{&p.acme, &p.management, &p.dns, &p.http, &p.https} {
		*port = freePort(t)
	}
	p.keys = newKeys(t, p.dir, host)
	// Its own listener for tests can't be left out, only moved; all others are off.
	dns := start(t, "pebble-challtestsrv", exec.Command(filepath.Join(programs, "pebble-challtestsrv"),
		"-dnsserver", loopback(p.dns), "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "",
		"-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "", "-management", loopback(freePort(t))))
	awaitPort(t, dns, p.dns, func(net.Conn) bool { return true })
	if !options.down {
		p.start(t)
	}
	return p
}

// start runs Pebble, for the first time or again.
func (p *pebble) start(t testing.TB) {
	t.Helper()
	args := append(slices.Clone(p.options.room), filepath.Join(p.programs, "pebble"), "-config", p.settings(t))
	if p.options.room == nil {
		args = append(args, "-dnsserver", loopback(p.dns))
	}
	if p.options.strict {
		args = append(args, "-strict")
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_AUTHZREUSE=0",
		fmt.Sprintf("PEBBLE_WFE_NONCEREJECT=%d", p.options.badNonces))
	p.process = start(t, "pebble", cmd)
	p.runs = append(p.runs, p.process)
	if p.options.room != nil {
		return // out of reach
	}
	for _, port := range []int{p.acme, p.management} {
		awaitPort(t, p.process, port, func(net.Conn) bool { return true })
	}
	p.fetchRoot(t)
}

// settings writes Pebble's configuration and returns the file's path.
func (p *pebble) settings(t testing.TB) string {
	t.Helper()
	validity := p.options.validity
	if validity == 0 {
		validity = 90 * 24 * time.Hour
	}
	text, err := json.MarshalIndent(map[string]any{"pebble": map[string]any{
		"listenAddress":                  loopback(p.acme),
		"managementListenAddress":        loopback(p.management),
		"certificate":                    p.keys.cert(host),
		"privateKey":                     p.keys.key(host),
		"httpPort":                       p.http,
		"tlsPort":                        p.https,
		"externalAccountBindingRequired": p.options.accountKeys != nil,
		"externalAccountMACKeys":         p.options.accountKeys,
		"keyAlgorithm":                   "ecdsa",
		// In seconds; clients ask again so soon because tests wait for them.
		"retryAfter": map[string]int{"authz": 1, "order": 1},
		// Deliberate: one profile. Pebble picks any of several for clients that don't ask for one.
		"profiles": map[string]any{"default": map[string]any{
			"description":    "the only one",
			"validityPeriod": int(validity.Seconds()),
		}},
	}}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return write(t, filepath.Join(p.dir, "pebble.json"), string(text))
}

// fetchRoot adds the root of this run, which Pebble made at its start, to the file of roots.
func (p *pebble) fetchRoot(t testing.TB) {
	t.Helper()
	client := &http.Client{
		Timeout:   patience,
		Transport: &http.Transport{TLSClientConfig: trust(t, p.caFile()), DisableKeepAlives: true},
	}
	answer, err := client.Get(fmt.Sprintf("https://%s:%d/roots/0", host, p.management))
	if err != nil {
		t.Fatalf("Pebble's root: %v", err)
	}
	defer answer.Body.Close()
	root, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("Pebble's root: %s, %v", answer.Status, err)
	}
	file, err := os.OpenFile(p.roots(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.Write(root); err != nil {
		t.Fatal(err)
	}
}

// directory is the URL that an ACME client is given.
func (p *pebble) directory() string { return directoryAt(p.acme) }

// directoryAt is that URL at another port, behind which a test has put something of its own.
func directoryAt(port int) string { return fmt.Sprintf("https://%s:%d/dir", host, port) }

// caFile is the file of the authority that signed the certificate of Pebble's own HTTPS.
func (p *pebble) caFile() string { return p.keys.ca() }

// roots is the file of the roots that Pebble's certificates lead to, those of earlier runs too. There is none before
// the first run.
func (p *pebble) roots() string { return filepath.Join(p.dir, "roots.pem") }

// trust returns the settings of a TLS client that believes the authorities in the file.
func trust(t testing.TB, file string) *tls.Config {
	t.Helper()
	pem, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		t.Fatalf("no certificate in %s", file)
	}
	return &tls.Config{RootCAs: pool}
}

// newAccountKey makes what a CA with external account binding gives to its customers: a key's id, and the key.
func newAccountKey() (id, key string) {
	return "kid-" + rand.Text()[:6], base64.RawURLEncoding.EncodeToString([]byte(rand.Text() + rand.Text()))
}
