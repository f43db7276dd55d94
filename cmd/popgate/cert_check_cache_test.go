package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"popgate/internal/config"
	"popgate/internal/poptest/acmetest"
	"popgate/tlsconf"
)

// TestCheckPairs: files that can't be used are failures, and those that have
// expired since they were loaded.
func TestCheckPairs(t *testing.T) {
	s := newSite(t)
	cfg, diags, _ := config.Load(s.config)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	pairs, found := checkPairs(cfg, time.Now())
	if len(pairs) != 1 {
		t.Errorf("%d pairs", len(pairs))
	}
	wantFinding(t, found, "ok files", `"main"`, siteName)
	_, found = checkPairs(cfg, time.Date(2061, 1, 1, 0, 0, 0, 0, time.UTC))
	wantFinding(t, found, "fail files", "has expired at 2060-01-01T00:00:00Z")
	if err := os.Remove(cfg.TLS.Certificates[0].KeyFile); err != nil {
		t.Fatal(err)
	}
	_, found = checkPairs(cfg, time.Now())
	wantFinding(t, found, "fail files", `certificate "main"`, siteName+".key")
}

// TestCheckCache: each state of the folder that matters.
func TestCheckCache(t *testing.T) {
	for _, test := range []struct {
		name  string
		spoil func(t *testing.T, root, folder string)
		want  string
		says  []string
	}{
		{"none yet", func(t *testing.T, root, _ string) { remove(t, root) }, "ok cache", []string{"isn't there yet and can be made"}},
		{"there", nil, "ok cache", []string{"can be read and written"}},
		{"key of others", func(t *testing.T, _, folder string) { chmod(t, filepath.Join(folder, certHost), 0o604) },
			"fail cache", []string{certHost + " has mode 0604", "chmod -R go= "}},
		{"folder of others", func(t *testing.T, _, folder string) { chmod(t, folder, 0o755) },
			"fail cache", []string{"has mode 0755", "chmod -R go= "}},
		{"key of the group", func(t *testing.T, _, folder string) { chmod(t, filepath.Join(folder, certHost), 0o640) },
			"warn cache", []string{"the group of", "chmod -R go= "}},
		{"a file in its place", func(t *testing.T, root, _ string) {
			remove(t, root)
			if err := os.WriteFile(root, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "fail cache", []string{"not a directory", "another folder"}},
		{"a file in the folder's place", func(t *testing.T, _, folder string) {
			remove(t, folder)
			if err := os.WriteFile(folder, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "fail cache", []string{"is no folder", "another folder"}},
		{"a link to nowhere", func(t *testing.T, root, _ string) {
			remove(t, root)
			if err := os.Symlink("/proc/no/such/folder", root); err != nil {
				t.Fatal(err)
			}
		}, "fail cache", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := filepath.Join(t.TempDir(), "acme")
			acme := &config.ACME{Cache: root, Directory: tlsconf.LetsEncrypt}
			cache := tlsconf.NewFolder(root, acme.Directory)
			if err := cache.Put(t.Context(), certHost, []byte("key")); err != nil {
				t.Fatal(err)
			}
			if test.spoil != nil {
				test.spoil(t, root, cache.Path())
			}
			wantFinding(t, checkCache(acme), test.want, test.says...)
		})
	}
}

func remove(t testing.TB, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

// TestKeepsMode: a file system that gives everybody everything is found out.
func TestKeepsMode(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := keepsMode(file, 0o600); err != nil {
		t.Error(err)
	}
	chmod(t, file, 0o777)
	if err := keepsMode(file, 0o600); err == nil || !strings.Contains(err.Error(), "makes of mode 0600 0777") {
		t.Errorf("error %v", err)
	}
}

// TestForeignCache: root must not put files into the cache of another user, who
// could not read them.
func TestForeignCache(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: only root can give folders away")
	}
	s := newCertSite(t, acmetest.Options{}, certHost)
	cache := filepath.Join(s.dir, "cache")
	if err := os.Mkdir(cache, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(cache, 65532, 65532); err != nil {
		t.Fatal(err)
	}
	wantFinding(t, checkCache(s.load(t).TLS.ACME), "warn cache", "belongs to user 65532", "sudo -u '#65532' popgate cert")
	s.run(t, "renew", certHost).wantCode(t, exitFailed, "can't read what root puts there", "sudo -u '#65532'")
	if n := s.ca.Requests(""); n != 0 {
		t.Errorf("%d requests to the CA", n)
	}
}
