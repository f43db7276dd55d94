package e2e

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// entries returns the paths of the cache's files with this name; all files' for "".
func (s *site) entries(t testing.TB, name string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(s.cache, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && (name == "" || entry.Name() == name) {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// entry is the one file of the cache that holds the host's certificate and key.
func (s *site) entry(t testing.TB, host string) string {
	t.Helper()
	found := s.entries(t, host)
	if len(found) != 1 {
		t.Fatalf("%d files of %s in the cache, want 1: %q", len(found), host, s.entries(t, ""))
	}
	return found[0]
}

// issued makes a site that has its certificate in the cache, and was ended as soon as it was issued.
func issued(t testing.TB, options pebbleOptions) *site {
	t.Helper()
	s := newSite(t, startPebble(t, options), acmeHost)
	s.start(t)
	s.log.wait(t, 1, about(logIssued, acmeHost))
	s.end(t)
	return s
}

// TestRestartOrdersNothing: after a restart the certificate of the cache is served from the first handshake on, whether
// the CA is there or not; no other user of the machine can read it.
func TestRestartOrdersNothing(t *testing.T) {
	t.Parallel()
	s := issued(t, pebbleOptions{})
	for _, path := range append(s.entries(t, ""), s.cache, filepath.Dir(s.entry(t, acmeHost))) {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			t.Errorf("%s has mode %04o", path, mode)
		}
	}
	s.start(t)
	first := s.certificate(t, acmeHost)
	s.end(t)
	s.ca.stop()
	s.start(t)
	if again := s.certificate(t, acmeHost); !again.Equal(first) {
		t.Error("another certificate after a restart")
	}
	s.reads(t, s.at(acmeHost, s.port))
	s.end(t)
	s.ca.start(t)
	s.start(t)
	s.ordersNoMore(t, 1)
}

// TestExposedKeysAreRefused: popgate doesn't start with private keys that others can read; the command that it prints
// mends that.
func TestExposedKeysAreRefused(t *testing.T) {
	t.Parallel()
	s := issued(t, pebbleOptions{})
	entry := s.entry(t, acmeHost)
	for path, mode := range map[string]fs.FileMode{entry: 0o644, filepath.Dir(entry): 0o755, s.cache: 0o755} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	s.launch(t)
	if code := s.exit(t); code != 2 {
		t.Fatalf("exit code %d with keys that all can read, want 2", code)
	}
	mend := regexp.MustCompile(`chmod [-+\w=,]+( [-+\w=,]+)* /[-+\w./]+`).FindString(s.log.text())
	if mend == "" {
		t.Fatalf("no command mends it in\n%s", s.log.text())
	}
	_, r := run(t, s.dir, "", "/bin/sh", "-c", mend)
	r.ok(t)
	s.start(t)
	s.reads(t, s.at(acmeHost, s.port))
	s.ca.ordered(t, 1)
}

// TestDamagedEntryIsSetAside: a certificate that can't be read is ordered again, and what was there is kept to look at.
func TestDamagedEntryIsSetAside(t *testing.T) {
	t.Parallel()
	s := issued(t, pebbleOptions{})
	whole, err := os.ReadFile(s.entry(t, acmeHost))
	if err != nil {
		t.Fatal(err)
	}
	orders := 1
	for name, damage := range map[string][]byte{
		"empty":       {},
		"truncated":   whole[:len(whole)/2],
		"overwritten": slices.Concat(whole[:100], []byte("\x00\x00\x00\x00"), whole[104:]),
		"garbage":     []byte("no certificate\n"),
	} {
		t.Run(name, func(t *testing.T) {
			// The file stays and so does its mode.
			if err := os.WriteFile(s.entry(t, acmeHost), damage, 0o600); err != nil {
				t.Fatal(err)
			}
			s.start(t)
			s.obtains(t, acmeHost)
			s.log.wait(t, 1, logSetAside)
			s.reads(t, s.at(acmeHost, s.port))
			s.end(t)
			orders++
			s.ca.ordered(t, orders)
			aside := slices.ContainsFunc(s.entries(t, ""), func(path string) bool {
				kept, err := os.ReadFile(path)
				return err == nil && filepath.Base(path) != acmeHost && slices.Equal(kept, damage)
			})
			if !aside {
				t.Errorf("what was damaged is gone: %q", s.entries(t, ""))
			}
			if _, err := os.Stat(s.entry(t, acmeHost)); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestUnwritableCache: where nothing can be kept, certificates are ordered all the same and served from memory; the log
// tells.
func TestUnwritableCache(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(testing.TB, *site){
		// Root can write into every folder, but not into one that can't be.
		"below a file": func(t testing.TB, s *site) {
			s.cache = filepath.Join(write(t, filepath.Join(s.dir, "file"), "x"), "acme")
		},
		"read-only": func(t testing.TB, s *site) { s.mount(t, "ro") },
		// There is room for the account's key, which comes first, and no more.
		"full": func(t testing.TB, s *site) { s.mount(t, "size=4k") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, startPebble(t, pebbleOptions{}), acmeHost)
			spoil(t, s)
			s.start(t)
			s.obtains(t, acmeHost)
			s.log.wait(t, 1, logNotKept)
			s.reads(t, s.at(acmeHost, s.port))
			s.end(t)
			s.ca.ordered(t, 1)
		})
	}
}

// mount puts a file system of its own, which only popgate sees and which goes with it, under the site's cache.
func (s *site) mount(t testing.TB, options string) {
	t.Helper()
	if err := os.Mkdir(s.cache, 0o700); err != nil {
		t.Fatal(err)
	}
	s.wrap = apart(t, []string{"--mount"}, `mount -t tmpfs -o "$0" tmpfs "$1" && shift && exec "$@"`,
		"mode=0700,"+options, s.cache)
}
