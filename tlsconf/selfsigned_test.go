package tlsconf

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
)

func TestStandInServesWhatNoFileCovers(t *testing.T) {
	files, issued := newFiles(t, t.TempDir(), "main", "pop.example.com")
	book, logger := newLogger(hclog.Info)
	seen := newRecorder()
	s := newTestSource(t, Options{
		Certificates: []Files{files},
		SelfSigned:   true,
		DefaultHost:  "default.example.com",
		Hosts:        []string{"Tenant.example.", "pop.example.com", "192.0.2.1"},
		Logger:       logger,
		Observer:     seen,
	})
	for _, tt := range []struct {
		serverName string
		standIn    bool
	}{
		{"pop.example.com", false},
		{"tenant.example", true},
		{"default.example.com", true},
		{"anything.example.org", true},
		{"", true},
	} {
		leaf, alert := served(t, s, &tls.Config{ServerName: tt.serverName})
		if alert != 0 || leaf.Equal(issued.leaf) == tt.standIn {
			t.Errorf("%q: alert %d, stand-in wanted: %v", tt.serverName, alert, tt.standIn)
		}
	}
	if got, want := seen.counts(), [3]int{1, 0, 4}; got != want {
		t.Errorf("missing, unknown, stand-ins: %v, want %v", got, want)
	}
	if len(book.lines("[WARN]  test.tls: self-signed certificate in use")) != 1 {
		t.Error("no warning of the stand-in")
	}
	if lines := book.lines("the self-signed one stands in"); len(lines) != 1 ||
		!strings.Contains(lines[0], `count=2 hosts="default.example.com tenant.example"`) {
		t.Errorf("hosts that it stands in for: %q", lines)
	}

	standIn := s.Certificates()[1]
	leaf := s.standIn.cert.Leaf
	key, ok := leaf.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		t.Errorf("key %T, want ECDSA P-256", leaf.PublicKey)
	}
	for _, host := range []string{"default.example.com", "tenant.example"} {
		must(t, leaf.VerifyHostname(host))
	}
	if standIn.Name != SourceSelfSigned || standIn.Source != SourceSelfSigned || !standIn.NotAfter.Equal(leaf.NotAfter) {
		t.Errorf("state of the stand-in: %+v", standIn)
	}
}

func TestNoStandInUnlessAskedFor(t *testing.T) {
	if _, err := New(Options{Hosts: []string{"pop.example.com"}}); err == nil {
		t.Error("a source without any certificate was made")
	}
}

func TestStandInIsSmallForManyHosts(t *testing.T) {
	hosts := []string{"not a host", "*.example.com", "bücher.example"}
	for i := range 10_000 {
		hosts = append(hosts, fmt.Sprintf("pop.tenant-%d.example", i))
	}
	s := newTestSource(t, Options{SelfSigned: true, Hosts: hosts})
	if n := len(s.standIn.cert.Leaf.DNSNames); n != maxStandInNames {
		t.Errorf("%d names in the stand-in", n)
	}
	if _, alert := served(t, s, &tls.Config{ServerName: "pop.tenant-9999.example"}); alert != 0 {
		t.Errorf("alert %d for a host that isn't written in it", alert)
	}
}

func TestStandInIsRefusedForImpossibleNames(t *testing.T) {
	seen := newRecorder()
	s := newTestSource(t, Options{SelfSigned: true, Observer: seen})
	cert, err := s.getCertificate(&tls.ClientHelloInfo{ServerName: strings.Repeat("a", maxName+1)})
	if cert != nil || err != nil || seen.counts() != [3]int{0, 1, 0} {
		t.Errorf("certificate %v, error %v, counts %v", cert, err, seen.counts())
	}
}

func TestStandInIsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSource(t, Options{SelfSigned: true, Hosts: []string{"pop.example.com"}, PollInterval: time.Hour})
		stop := run(t, s)
		defer stop()
		for range 100 { // days
			before := s.Certificates()[0].NotAfter
			<-time.After(24 * time.Hour)
			synctest.Wait()
			after := s.Certificates()[0].NotAfter
			left := time.Until(after)
			if left < standInRenewal-24*time.Hour {
				t.Fatalf("%v left", left)
			}
			if after.After(before) && time.Until(before) > standInRenewal {
				t.Fatalf("renewed with %v left", time.Until(before))
			}
			if after.Before(before) {
				t.Fatal("the new one ends before the old one")
			}
		}
	})
}
