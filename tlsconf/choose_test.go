package tlsconf

import (
	"crypto/tls"
	"crypto/x509"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

func TestCertificateByServerName(t *testing.T) {
	dir := t.TempDir()
	pop, popPEM := newFiles(t, dir, "pop", "pop.example.com", "Mail.Example.Com")
	wild, wildPEM := newFiles(t, dir, "wild", "*.example.com", "*.sub.example.net")
	seen := newRecorder()
	s := newTestSource(t, Options{Certificates: []Files{wild, pop}, DefaultHost: "pop.example.com", Observer: seen})

	tests := []struct {
		name, serverName string
		want             *x509.Certificate // nil: unrecognized_name
	}{
		{"exact", "pop.example.com", popPEM.leaf},
		{"exact beats wildcard whatever the order", "mail.example.com", popPEM.leaf},
		{"client's upper case", "POP.EXAMPLE.com", popPEM.leaf},
		{"wildcard", "other.example.com", wildPEM.leaf},
		{"wildcard in upper case", "OTHER.Example.com", wildPEM.leaf},
		{"wildcard stands for one label only", "a.b.example.com", nil},
		{"wildcard stands for one label at least", "example.com", nil},
		{"second wildcard", "x.sub.example.net", wildPEM.leaf},
		{"parent of the second wildcard", "sub.example.net", nil},
		{"unknown in spite of default_host", "pop.example.org", nil},
		{"no name: default_host", "", popPEM.leaf},
	}
	for _, tt := range tests {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(tt.name+" "+tls.VersionName(version), func(t *testing.T) {
				leaf, alert := served(t, s, &tls.Config{ServerName: tt.serverName, MaxVersion: version})
				if tt.want == nil {
					if alert != alertUnrecognizedName {
						t.Fatalf("alert %d, want unrecognized_name", alert)
					}
					return
				}
				if alert != 0 || !leaf.Equal(tt.want) {
					t.Fatalf("alert %d, certificate %v, want %v", alert, leaf, tt.want.DNSNames)
				}
			})
		}
	}
	if got, want := seen.counts(), [3]int{2, 8, 0}; got != want {
		t.Errorf("missing, unknown, stand-ins: %v, want %v", got, want)
	}
}

// What crypto/tls or its client won't send is asked for directly.
func TestOddServerNames(t *testing.T) {
	dir := t.TempDir()
	pop, popPEM := newFiles(t, dir, "pop", "pop.example.com")
	wild, wildPEM := newFiles(t, dir, "wild", "*.example.net", "192.0.2.1")
	s := newTestSource(t, Options{Certificates: []Files{pop, wild}, DefaultHost: "POP.example.com."})

	tests := []struct {
		serverName string
		want       *x509.Certificate
	}{
		{"pop.example.com.", popPEM.leaf},
		{"pop.example.com..", nil},
		{".", popPEM.leaf}, // no name at all
		{"a.example.net.", wildPEM.leaf},
		{"*.example.net", nil},
		{".example.net", nil},
		{"a b.example.net", nil},
		{"-a.example.net", nil},
		{"under_score.example.net", wildPEM.leaf},
		{"bücher.example.net", nil},
		{"xn--bcher-kva.example.net", wildPEM.leaf},
		{"192.0.2.1", popPEM.leaf}, // an address is no name, not even this one
		{"2001:db8::1", popPEM.leaf},
		{"fe80::1%eth0", popPEM.leaf},
		{"com", nil},
		{"\u212aelvin.example.net", nil}, // KELVIN SIGN folds to k under Unicode rules
		{string(make([]byte, 60_000)), nil},
	}
	for _, tt := range tests {
		cert, err := s.getCertificate(&tls.ClientHelloInfo{ServerName: tt.serverName})
		must(t, err)
		switch {
		case cert == nil && tt.want != nil:
			t.Errorf("%.40q: refused", tt.serverName)
		case cert != nil && (tt.want == nil || !cert.Leaf.Equal(tt.want)):
			t.Errorf("%.40q: got the certificate of %v", tt.serverName, cert.Leaf.DNSNames)
		}
		if answers := s.current.Load().answers(tt.serverName); answers != (cert != nil) {
			t.Errorf("%.40q: answers says %v, the certificate is %v", tt.serverName, answers, cert)
		}
	}
}

func TestClientWithoutServerName(t *testing.T) {
	dir := t.TempDir()
	one, onePEM := newFiles(t, dir, "one", "one.example.com")
	two, twoPEM := newFiles(t, dir, "two", "two.example.com")
	twoRSAPEM := newPEM(t, issue{names: []string{"two.example.com"}, rsa: true})
	twoRSA := twoRSAPEM.write(t, dir, "two-rsa")

	tests := []struct {
		name  string
		files []Files
		host  string
		want  *x509.Certificate
	}{
		{"the only certificate", []Files{one}, "", onePEM.leaf},
		{"two certificates", []Files{one, two}, "", nil},
		{"two kinds of key for one name", []Files{twoRSA, two}, "", twoPEM.leaf},
		{"default_host among two", []Files{one, two}, "two.example.com", twoPEM.leaf},
		{"default_host with two kinds of key", []Files{one, twoRSA, two}, "two.example.com", twoPEM.leaf},
		{"default_host that nothing covers", []Files{one}, "three.example.com", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			seen := newRecorder()
			s := newTestSource(t, Options{Certificates: tt.files, DefaultHost: tt.host, Observer: seen})
			leaf, alert := served(t, s, &tls.Config{})
			if tt.want == nil && alert != alertUnrecognizedName {
				t.Errorf("alert %d, want unrecognized_name", alert)
			}
			if tt.want != nil && !leaf.Equal(tt.want) {
				t.Errorf("alert %d, certificate %v, want %v", alert, leaf, tt.want.DNSNames)
			}
			if got, want := seen.counts(), [3]int{1, 0, 0}; got != want {
				t.Errorf("missing, unknown, stand-ins: %v, want %v", got, want)
			}
		})
	}
}

func TestPairOfRSAAndECDSA(t *testing.T) {
	const host = "pop.example.com"
	dir := t.TempDir()
	ecdsaFiles, ecdsaPEM := newFiles(t, dir, "ecdsa", host)
	rsaPEM := newPEM(t, issue{names: []string{host}, rsa: true, notAfter: time.Now().Add(1000 * time.Hour)})
	wildPEM := newPEM(t, issue{names: []string{"*.example.com"}, rsa: true})

	rsaOnly := &tls.Config{
		ServerName:   host,
		MaxVersion:   tls.VersionTLS12,
		CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256},
	}
	tests := []struct {
		name   string
		client *tls.Config
		files  []Files
		want   *x509.Certificate
	}{
		{"ECDSA first, though RSA is valid longer", &tls.Config{ServerName: host},
			[]Files{rsaPEM.write(t, dir, "rsa"), ecdsaFiles}, ecdsaPEM.leaf},
		{"RSA for those who know nothing else", rsaOnly,
			[]Files{ecdsaFiles, rsaPEM.write(t, dir, "rsa")}, rsaPEM.leaf},
		{"a wildcard's RSA before no handshake", rsaOnly,
			[]Files{ecdsaFiles, wildPEM.write(t, dir, "wild")}, wildPEM.leaf},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newTestSource(t, Options{Certificates: tt.files, DefaultHost: host})
			for _, serverName := range []string{host, ""} {
				client := tt.client.Clone()
				client.ServerName = serverName
				if leaf, alert := served(t, s, client); alert != 0 || !leaf.Equal(tt.want) {
					t.Errorf("server name %q: alert %d, wrong certificate", serverName, alert)
				}
			}
		})
	}
	t.Run("an address for a server name", func(t *testing.T) {
		s := newTestSource(t, Options{Certificates: []Files{ecdsaFiles, rsaPEM.write(t, dir, "rsa")}})
		cert, err := s.getCertificate(&tls.ClientHelloInfo{
			ServerName:        "192.0.2.1",
			SupportedVersions: []uint16{tls.VersionTLS13},
			SignatureSchemes:  []tls.SignatureScheme{tls.PSSWithSHA256},
		})
		must(t, err)
		if !cert.Leaf.Equal(rsaPEM.leaf) {
			t.Error("a client that knows only RSA got ECDSA")
		}
	})
	t.Run("no candidate fits", func(t *testing.T) {
		other := newPEM(t, issue{names: []string{host}}).write(t, dir, "other")
		s := newTestSource(t, Options{Certificates: []Files{ecdsaFiles, other}})
		if _, alert := served(t, s, rsaOnly); alert != alertHandshakeFailure {
			t.Errorf("alert %d, want handshake_failure", alert)
		}
	})
}

func TestOrderOfCandidates(t *testing.T) {
	now := time.Now()
	dir := t.TempDir()
	make := func(name string, want issue) *pair {
		p, err := load(newPEM(t, want).write(t, dir, name), now)
		must(t, err)
		return p
	}
	host := []string{"pop.example.com"}
	short := make("short", issue{names: host, notAfter: now.Add(time.Hour)})
	long := make("long", issue{names: host, notAfter: now.Add(50 * time.Hour)})
	rsa := make("rsa", issue{names: host, rsa: true, notAfter: now.Add(90 * time.Hour)})
	wild := make("wild", issue{names: []string{"*.example.com"}, rsa: true, notAfter: now.Add(90 * time.Hour)})

	wildShort := make("wild-short", issue{names: []string{"*.example.com"}, notAfter: now.Add(time.Hour)})

	candidates := func(at time.Time, pairs ...*pair) []*pair {
		exact, wild := newSnapshot(stock{pairs: pairs}, at).lookup("pop.example.com")
		return slices.Concat(exact, wild)
	}
	for _, tt := range []struct {
		name      string
		got, want []*pair
	}{
		{"kind of key, then the end", candidates(now, rsa, short, long), []*pair{long, short, rsa}},
		{"what has expired goes", candidates(now.Add(2*time.Hour), rsa, short, long), []*pair{long, rsa}},
		{"RSA outlives ECDSA", candidates(now.Add(60*time.Hour), rsa, short, long), []*pair{rsa}},
		{"a valid wildcard beats an expired name", candidates(now.Add(60*time.Hour), long, wild), []*pair{wild}},
		{"an expired wildcard goes", candidates(now.Add(60*time.Hour), wildShort, wild), []*pair{wild}},
		{"all have expired: better than nothing", candidates(now.Add(200*time.Hour), rsa, short), []*pair{short, rsa}},
	} {
		if !slices.Equal(tt.got, tt.want) {
			t.Errorf("%s: wrong candidates", tt.name)
		}
	}

	for at, want := range map[time.Duration]*pair{0: long, 60 * time.Hour: rsa, 200 * time.Hour: long} {
		nameless := newSnapshot(stock{pairs: []*pair{rsa, long}}, now.Add(at)).nameless
		if nameless[0] != want {
			t.Errorf("after %v: clients without a name get the wrong certificate", at)
		}
	}
}

func TestUnknownNamesAreLoggedQuotedAndBounded(t *testing.T) {
	book, logger := newLogger(hclog.Debug)
	files, _ := newFiles(t, t.TempDir(), "main", "pop.example.com")
	s := newTestSource(t, Options{Certificates: []Files{files}, Logger: logger})
	hostile := "x level=error\nforged=1" + string(make([]byte, 10_000))
	_, err := s.getCertificate(&tls.ClientHelloInfo{ServerName: hostile})
	must(t, err)
	lines := book.lines("no certificate for this server name")
	if len(lines) != 1 || len(book.lines("forged=1")) != 1 || len(lines[0]) > 5*maxLogged {
		t.Errorf("not one bounded line: %q", lines)
	}
}

func TestLookupAllocatesNothing(t *testing.T) {
	s := sourceOf(leafPair("pop.example.com", "*.example.net"))
	for _, name := range []string{"pop.example.com", "a.example.net", "pop.example.org", ""} {
		hello := &tls.ClientHelloInfo{ServerName: name}
		if n := testing.AllocsPerRun(100, func() { s.getCertificate(hello) }); n != 0 {
			t.Errorf("%q: %v allocations", name, n)
		}
	}
}

// sourceOf is a Source that serves pairs and has no files.
func sourceOf(pairs ...*pair) *Source {
	s := &Source{log: hclog.NewNullLogger(), observer: silent{}, now: time.Now}
	s.current.Store(newSnapshot(stock{pairs: pairs}, time.Now()))
	return s
}

// Clients that name no host get what there is only one of; with several hosts to
// have a certificate of a CA none is the one, whichever is there first.
func TestNamelessWithHostsOfACA(t *testing.T) {
	file, pop, imap := leafPair("file.example.com"), leafPair("pop.example.com"), leafPair("imap.example.com")
	for name, test := range map[string]struct {
		from stock
		want *pair
	}{
		"one host, issued":     {stock{hosts: 1, issued: map[string]*pair{"pop.example.com": pop}}, pop},
		"one host, not yet":    {stock{hosts: 1}, nil},
		"two hosts, one of it": {stock{hosts: 2, issued: map[string]*pair{"pop.example.com": pop}}, nil},
		"two hosts":            {stock{hosts: 2, issued: map[string]*pair{"pop.example.com": pop, "imap.example.com": imap}}, nil},
		"a file and a host":    {stock{hosts: 1, pairs: []*pair{file}, issued: map[string]*pair{"pop.example.com": pop}}, nil},
		"a file alone":         {stock{pairs: []*pair{file}}, file},
		"default_host": {stock{hosts: 2, defaultHost: "imap.example.com",
			issued: map[string]*pair{"pop.example.com": pop, "imap.example.com": imap}}, imap},
		"default_host, not yet": {stock{hosts: 2, defaultHost: "imap.example.com", issued: map[string]*pair{"pop.example.com": pop}}, nil},
	} {
		got := newSnapshot(test.from, time.Now()).nameless
		if len(got) > 1 || (len(got) == 1) != (test.want != nil) || len(got) == 1 && got[0] != test.want {
			t.Errorf("%s: %d candidates", name, len(got))
		}
	}
}

// With unknown_host = "default" whoever names a host that nothing covers gets
// default_host's certificate, and a ticket under that name is good.
func TestUnknownToDefault(t *testing.T) {
	files, issued := newFiles(t, t.TempDir(), "main", "pop.example.com")
	for _, on := range []bool{false, true} {
		s := newTestSource(t, Options{Certificates: []Files{files}, DefaultHost: "pop.example.com", UnknownToDefault: on})
		leaf, alert := served(t, s, &tls.Config{ServerName: "old-alias.example.com"})
		if on != (alert == 0) || on && !leaf.Equal(issued.leaf) || !on && alert != alertUnrecognizedName {
			t.Errorf("on: %v, alert %d", on, alert)
		}
		if got := s.current.Load().answers("old-alias.example.com"); got != on {
			t.Errorf("on: %v, answers: %v", on, got)
		}
	}
}
