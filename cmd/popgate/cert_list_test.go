package main

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"popgate/internal/admin"
	"popgate/internal/poptest"
	"popgate/internal/poptest/acmetest"
)

// TestCertTable: what people see of each kind of certificate.
func TestCertTable(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) *time.Time { t := now.Add(d); return &t }
	days := func(n int) *int { return &n }
	const day = 24 * time.Hour
	for _, test := range []struct {
		name string
		c    admin.Certificate
		want string // with single spaces between words
	}{
		{"valid", admin.Certificate{Name: certHost, Source: admin.SourceACME, Issuer: "E7", State: admin.StateValid,
			NotBefore: at(-20 * day), NotAfter: at(70 * day), DaysLeft: days(70), NextTry: at(40*day + 90*time.Second)},
			certHost + " acme E7 2026-05-10T12:00Z 70 valid - 2026-04-10T12:01Z"},
		{"other zone", admin.Certificate{Name: certHost, Source: admin.SourceACME, State: admin.StateValid,
			NextTry: ptr(at(time.Hour).In(time.FixedZone("east", 3600)))},
			certHost + " acme - - - valid - 2026-03-01T13:00Z"},
		{"missing", admin.Certificate{Name: certHost, Source: admin.SourceACME, State: admin.StateMissing},
			certHost + " acme - - - missing - now"},
		{"failed", admin.Certificate{Name: certHost, Source: admin.SourceACME, State: admin.StateMissing, NextTry: at(5 * time.Minute),
			LastError: &admin.Problem{Type: "dns", Detail: "NXDOMAIN"}},
			certHost + " acme - - - missing dns: NXDOMAIN 2026-03-01T12:05Z"},
		{"due", admin.Certificate{Name: certHost, Source: admin.SourceACME, State: admin.StateExpired, NotAfter: at(-day),
			DaysLeft: days(-2), NextTry: at(-time.Second)},
			certHost + " acme - 2026-02-28T12:00Z -2 expired - now"},
		{"file", admin.Certificate{Name: "main", Source: admin.SourceFile, Names: []string{"*.example.com", "example.com"},
			Issuer: "Some CA", NotAfter: at(day), DaysLeft: days(1), State: admin.StateExpiring},
			`*.example.com example.com file "main" Some CA 2026-03-02T12:00Z 1 expiring - -`},
		{"self-signed", admin.Certificate{Name: admin.SourceSelfSigned, Source: admin.SourceSelfSigned, State: admin.StateValid},
			`(any other) self_signed - - - valid - -`},
		{"long texts", admin.Certificate{Name: certHost, Source: admin.SourceACME, State: admin.StateMissing, NextTry: at(day),
			Issuer: strings.Repeat("é", 99), LastError: &admin.Problem{Detail: strings.Repeat("x", 999)}},
			certHost + " acme " + strings.Repeat("é", 99) + " - - missing " + strings.Repeat("x", 999) + " 2026-03-02T12:00Z"},
		{"hostile texts", admin.Certificate{Name: certHost, Source: admin.SourceACME, Issuer: "a\tb\nc", State: admin.StateMissing,
			LastError: &admin.Problem{Type: "x\x1b[2J", Detail: "y\u202ez"}},
			certHost + " acme a b c - - missing x\uFFFD[2J: y\uFFFDz now"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out strings.Builder
			if err := certificateTable([]admin.Certificate{test.c}, now).write(&out); err != nil {
				t.Fatal(err)
			}
			head, body, _ := strings.Cut(out.String(), "\n")
			if got := strings.Join(strings.Fields(head), " "); got != "HOST SOURCE ISSUER NOT AFTER DAYS LEFT STATE LAST ERROR NEXT TRY" {
				t.Errorf("the head is %q", got)
			}
			if got := strings.Join(strings.Fields(body), " "); got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func ptr[T any](v T) *T { return &v }

// listJSON reads what `popgate cert list --json` writes.
func (s *certSite) listJSON(t testing.TB) (certificateList, result) {
	t.Helper()
	r := s.run(t, "list", "--json")
	r.wantCode(t, exitOK)
	var list certificateList
	if err := json.Unmarshal([]byte(r.out), &list); err != nil {
		t.Fatalf("%v in %q", err, r.out)
	}
	return list, r
}

// TestCertListRunningAndNot: a running popgate is asked; without one the cache
// tells the same, the command says that it had to ask it, and nothing changes
// on disk.
func TestCertListRunningAndNot(t *testing.T) {
	s := newCertSite(t, acmetest.Options{}, certHost)
	log, stop := s.serve(t)
	log.wait(t, nil, 1, `certificate issued: host=`+certHost)
	running, r := s.listJSON(t)
	if !running.Running || r.err != "" {
		t.Errorf("running %v, and %q to standard error", running.Running, r.err)
	}
	s.run(t, "list").wantCode(t, exitOK, certHost, "acme", "valid")
	stop()

	before := contents(t, s.cache(t))
	offline, r := s.listJSON(t)
	if offline.Running || !strings.HasPrefix(r.err, "popgate: no popgate is running that answers on "+s.socket) {
		t.Errorf("running %v, and %q to standard error", offline.Running, r.err)
	}
	s.run(t, "list").wantCode(t, exitOK, certHost, "no popgate is running")
	if after := contents(t, s.cache(t)); after != before {
		t.Error("list has changed the cache")
	}
	if len(running.Certificates) != 1 || len(offline.Certificates) != 1 {
		t.Fatalf("%d certificates, then %d", len(running.Certificates), len(offline.Certificates))
	}
	leaf := s.ca.Issued()[0]
	for _, c := range []admin.Certificate{running.Certificates[0], offline.Certificates[0]} {
		if c.Name != certHost || c.Source != admin.SourceACME || c.State != admin.StateValid || c.Issuer != leaf.Issuer.CommonName ||
			!c.NotAfter.Equal(leaf.NotAfter) || *c.DaysLeft != 89 || c.NextTry == nil || c.LastError != nil {
			t.Errorf("it says %+v", c)
		}
	}
}

// contents are the names and contents of a folder's files.
func contents(t testing.TB, folder string) string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, entry := range entries {
		data, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString(entry.Name() + "\n" + string(data) + "\n")
	}
	return all.String()
}

// TestCertListJSONShape: the words that programs read, with nothing made up for
// a host that has no certificate yet.
func TestCertListJSONShape(t *testing.T) {
	s := newCertSite(t, acmetest.Options{}, certHost)
	r := s.run(t, "list", "--json")
	r.wantCode(t, exitOK)
	const want = `{"running":false,"certificates":[{"name":"pop.example.com","source":"acme","names":["pop.example.com"],"state":"missing"}]}`
	var compact strings.Builder
	for _, word := range strings.Fields(r.out) {
		compact.WriteString(word)
	}
	if compact.String() != want {
		t.Errorf("got  %s\nwant %s", compact.String(), want)
	}
}

// TestCertListSocketOff: without a socket nobody can be asked, which is said.
func TestCertListSocketOff(t *testing.T) {
	s := newCertSite(t, acmetest.Options{}, certHost)
	s.socket = "off"
	s.write(t)
	s.run(t, "list").wantCode(t, exitOK, certHost, "popgate: the admin socket is off, so that no running popgate can be asked")
}

// TestCertListFiles: pairs of files are listed by the names that they are for,
// beside the block's.
func TestCertListFiles(t *testing.T) {
	s := newCertSite(t, acmetest.Options{}, certHost)
	poptest.NewCA(t).WriteFiles(t, s.dir, "pop.example.net")
	s.more = certificateBlock("old", "pop.example.net")
	s.write(t)
	s.run(t, "list").wantCode(t, exitOK, `pop.example.net  file "old"  popgate test CA`, certHost)
}

// TestCertListShowsFailures: what failed in an earlier process is known from the
// cache, in the CA's words, but without what moves cursors.
func TestCertListShowsFailures(t *testing.T) {
	s := newCertSite(t, acmetest.Options{Validate: refuse("dns", "NXDOMAIN\x1b looking up A")}, certHost)
	log, stop := s.serve(t)
	log.wait(t, nil, 1, `certificate order failed`)
	stop()
	list, _ := s.listJSON(t)
	c := list.Certificates[0]
	if c.State != admin.StateMissing || c.LastError == nil || c.LastError.Type != "dns" || !strings.HasPrefix(c.LastError.Detail, "NXDOMAIN\uFFFD looking up A; by tls-alpn-01: dns: ") {
		t.Errorf("it says %+v", c)
	}
	if c.NextTry == nil || !c.NextTry.After(time.Now()) {
		t.Errorf("the next try is %v", c.NextTry)
	}
}

// TestCertListUnreadable: what can't be read is a failure, and not a host that
// is missing a certificate.
func TestCertListUnreadable(t *testing.T) {
	for _, test := range []struct {
		name  string
		spoil func(t *testing.T, s *certSite)
		says  string
	}{
		{"exposed", func(t *testing.T, s *certSite) { chmod(t, filepath.Join(s.cache(t), certHost), 0o644) }, "chmod -R go= "},
		{"no folder", func(t *testing.T, s *certSite) {
			folder := s.cache(t)
			if err := os.RemoveAll(folder); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(folder, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "not a directory"},
		{"no ca_file", func(t *testing.T, s *certSite) {
			if err := os.Remove(filepath.Join(s.dir, "ca.pem")); err != nil {
				t.Fatal(err)
			}
		}, "ca.pem"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newCertSite(t, acmetest.Options{}, certHost)
			s.issued(t)
			test.spoil(t, s)
			r := s.run(t, "list")
			r.wantCode(t, exitFailed, test.says)
			if r.out != "" {
				t.Errorf("it lists %q", r.out)
			}
		})
	}
}

// TestReadable: other users' folders and files are told from those that aren't
// there. As root everything can be read.
func TestReadable(t *testing.T) {
	dir := t.TempDir()
	if err := readable(filepath.Join(dir, "none")); err != nil {
		t.Errorf("a folder that isn't there: %v", err)
	}
	for _, name := range []string{certHost, ".new-1"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := readable(dir); err != nil {
		t.Error(err)
	}
	if err := readable(filepath.Join(dir, certHost)); err == nil {
		t.Error("a file is taken for a folder")
	}
}

func chmod(t testing.TB, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// keyLines are the lines of the private keys in a folder, which nothing may
// show.
func keyLines(t testing.TB, folder string) []string {
	t.Helper()
	var lines []string
	rest := []byte(contents(t, folder))
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return lines
		}
		if strings.HasSuffix(block.Type, "PRIVATE KEY") {
			if _, err := x509.ParseECPrivateKey(block.Bytes); err != nil {
				t.Fatal(err)
			}
			for _, line := range strings.Split(string(pem.EncodeToMemory(block)), "\n") {
				if len(line) > 20 && !strings.HasPrefix(line, "-") {
					lines = append(lines, line)
				}
			}
		}
	}
}
