package tlsconf

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

func TestErrorsNameBlockFileAndRemedy(t *testing.T) {
	now := time.Now()
	good := newPEM(t, issue{names: []string{"pop.example.com"}})
	other := newPEM(t, issue{names: []string{"pop.example.com"}})
	otherRSA := newPEM(t, issue{names: []string{"pop.example.com"}, rsa: true})
	expired := newPEM(t, issue{names: []string{"pop.example.com"}, notBefore: now.Add(-48 * time.Hour), notAfter: now.Add(-time.Hour)})
	future := newPEM(t, issue{names: []string{"pop.example.com"}, notBefore: now.Add(time.Hour)})
	encrypted := pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")})
	broken := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})
	both := func(first, second []byte) []byte { return append(append([]byte{}, first...), second...) }

	tests := []struct {
		name      string
		cert, key []byte // nil: the file is missing
		inKey     bool   // the key file is to blame
		cause     error
		mend      string
	}{
		{"certificate missing", nil, good.key, false, fs.ErrNotExist, "correct the path"},
		{"key missing", good.cert, nil, true, fs.ErrNotExist, "correct the path"},
		{"key of another certificate", good.cert, other.key, true, nil, "private key, in PEM form and not encrypted"},
		{"key of another kind", good.cert, otherRSA.key, true, nil, "of the first certificate in"},
		{"encrypted key", good.cert, encrypted, true, nil, "not encrypted"},
		{"empty key", good.cert, []byte{}, true, nil, "PEM form"},
		{"half a key", good.cert, good.key[:len(good.key)/2], true, nil, "PEM form"},
		{"expired", expired.cert, expired.key, false, errExpired, "renew it"},
		{"not valid yet", future.cert, future.key, false, errNotYetValid, "clock"},
		{"empty certificate", []byte{}, good.key, false, errNoPEM, "PEM form"},
		{"files swapped", good.key, good.cert, false, errNoPEM, "server's certificate"},
		{"half a certificate", good.cert[:len(good.cert)/2], good.key, false, errCutShort, "PEM form"},
		{"half an issuer", both(good.cert, other.cert[:len(other.cert)/2]), good.key, false, errCutShort, "PEM form"},
		{"damaged issuer", both(good.cert, broken), good.key, false, nil, "PEM form"},
		{"issuer first", both(other.cert, good.cert), good.key, true, nil, "first certificate"},
		{"far too large", make([]byte, maxFile+1), good.key, false, errTooLarge, "name the PEM file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			f := Files{Name: "main", CertFile: filepath.Join(dir, "tls.crt"), KeyFile: filepath.Join(dir, "tls.key")}
			if tt.cert != nil {
				must(t, os.WriteFile(f.CertFile, tt.cert, 0o600))
			}
			if tt.key != nil {
				must(t, os.WriteFile(f.KeyFile, tt.key, 0o600))
			}
			_, err := New(Options{Certificates: []Files{f}})
			problem, ok := errors.AsType[*FileError](err)
			if !ok {
				t.Fatalf("error %v, want a *FileError", err)
			}
			file := f.CertFile
			if tt.inKey {
				file = f.KeyFile
			}
			if problem.Name != "main" || problem.File != file || !strings.Contains(problem.Mend, tt.mend) {
				t.Errorf("wrong block, file or remedy: %+v", problem)
			}
			if tt.cause != nil && !errors.Is(err, tt.cause) {
				t.Errorf("cause %v, want %v", problem.Err, tt.cause)
			}
			text := err.Error()
			if !strings.HasPrefix(text, `certificate "main": `+file+": ") || strings.Contains(text, "\n") {
				t.Errorf("text: %s", text)
			}
			if body := strings.Split(string(good.key), "\n")[1]; strings.Contains(text, body) {
				t.Error("the key is in the error's text")
			}
		})
	}
}

func TestUnreadableFiles(t *testing.T) {
	// Made by hand, as tests may run as a user whom no mode keeps out.
	err := unreadable("main", "/x/tls.key", &fs.PathError{Op: "open", Path: "/x/tls.key", Err: syscall.EACCES})
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Mend, "user that popgate runs as") ||
		strings.Count(err.Error(), "/x/tls.key") != 1 {
		t.Errorf("text: %v", err)
	}

	dir := t.TempDir()
	good, _ := newFiles(t, dir, "main", "pop.example.com")
	pipe := filepath.Join(dir, "pipe")
	must(t, syscall.Mkfifo(pipe, 0o600))
	for _, odd := range []string{pipe, dir, os.DevNull} {
		f := good
		f.KeyFile = odd
		if _, err := New(Options{Certificates: []Files{f}}); !errors.Is(err, errNotRegular) {
			t.Errorf("%s: %v", odd, err)
		}
	}
}

func TestAllProblemsAreReportedAtOnce(t *testing.T) {
	book, logger := newLogger(hclog.Debug)
	dir := t.TempDir()
	good, _ := newFiles(t, dir, "good", "pop.example.com")
	_, err := New(Options{Logger: logger, Certificates: []Files{
		{Name: "one", CertFile: filepath.Join(dir, "1.crt"), KeyFile: filepath.Join(dir, "1.key")},
		good,
		{Name: "two", CertFile: filepath.Join(dir, "2.crt"), KeyFile: filepath.Join(dir, "2.key")},
	}})
	if err == nil || strings.Count(err.Error(), "\n") != 1 ||
		!strings.Contains(err.Error(), `"one"`) || !strings.Contains(err.Error(), `"two"`) {
		t.Errorf("error %v", err)
	}
	if len(book.lines("")) != 0 {
		t.Error("a source that was not made has logged something")
	}
}

func TestChainIsServedWhole(t *testing.T) {
	leaf := newPEM(t, issue{names: []string{"pop.example.com"}})
	issuer := newPEM(t, issue{})
	chain := leaf
	chain.cert = append(append([]byte("a comment\n"), leaf.cert...), issuer.cert...)
	p, err := load(chain.write(t, t.TempDir(), "main"), time.Now())
	must(t, err)
	if len(p.cert.Certificate) != 2 || !p.cert.Leaf.Equal(leaf.leaf) {
		t.Errorf("%d certificates served", len(p.cert.Certificate))
	}
	if second, err := x509.ParseCertificate(p.cert.Certificate[1]); err != nil || !second.Equal(issuer.leaf) {
		t.Error("the second is not the issuer's")
	}
}

func TestClockSkewIsForgiven(t *testing.T) {
	p := newPEM(t, issue{names: []string{"pop.example.com"}, notBefore: time.Now().Add(maxSkew / 2)})
	_, err := load(p.write(t, t.TempDir(), "main"), time.Now())
	must(t, err)
}

func TestWarningsAtLoad(t *testing.T) {
	dir := t.TempDir()
	main, _ := newFiles(t, dir, "main", "pop.example.com", "*.example.net")
	nameless, _ := newFiles(t, dir, "nameless")
	must(t, os.Chmod(main.KeyFile, 0o644))
	book, logger := newLogger(hclog.Info)
	newTestSource(t, Options{
		Certificates: []Files{main, nameless},
		Hosts:        []string{"pop.example.com", "a.example.net", "POP.example.org", "a.b.example.net"},
		Logger:       logger,
	})
	for text, want := range map[string]string{
		"every user of this machine": "certificate=main",
		"covers no host name":        "certificate=nameless",
		"hosts without":              `count=2 hosts="a.b.example.net pop.example.org"`,
	} {
		if lines := book.lines(text); len(lines) != 1 || !strings.Contains(lines[0], want) {
			t.Errorf("%s: %q", text, lines)
		}
	}
	if len(book.lines("certificate loaded")) != 2 {
		t.Error("not every certificate is logged")
	}
}

func TestManyUncoveredHostsMakeOneLine(t *testing.T) {
	files, _ := newFiles(t, t.TempDir(), "main", "pop.example.com")
	book, logger := newLogger(hclog.Warn)
	var hosts []string
	for range 1000 {
		hosts = append(hosts, strings.Repeat("x", len(hosts)%60+1)+".example.org")
	}
	newTestSource(t, Options{Certificates: []Files{files}, Hosts: hosts, Logger: logger})
	lines := book.lines("hosts without a certificate")
	if len(lines) != 1 || !strings.Contains(lines[0], "count=60") || len(lines[0]) > 2*maxLogged {
		t.Errorf("lines: %q", lines)
	}
}
