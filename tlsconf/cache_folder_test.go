package tlsconf

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// newTestFolder is an empty cache for a CA in a folder that isn't there yet.
func newTestFolder(t testing.TB) *Folder {
	t.Helper()
	return NewFolder(filepath.Join(t.TempDir(), "deep", "acme"), "https://ca.test/directory")
}

func TestFolderKeepsEntries(t *testing.T) {
	f, ctx := newTestFolder(t), t.Context()
	if _, err := f.Get(ctx, popHost); !errors.Is(err, ErrNoEntry) {
		t.Errorf("in an empty cache: %v", err)
	}
	must(t, f.Delete(ctx, popHost))
	must(t, f.Put(ctx, popHost, []byte("one")))
	must(t, f.Put(ctx, popHost, []byte("two")))
	must(t, f.Put(ctx, accountKey, []byte("key")))
	if data, err := f.Get(ctx, popHost); err != nil || string(data) != "two" {
		t.Errorf("got %q, %v", data, err)
	}
	entries, err := os.ReadDir(f.Path())
	must(t, err)
	if len(entries) != 2 {
		t.Errorf("there are %v", entries)
	}
	for path := f.Path(); path != filepath.Dir(filepath.Dir(filepath.Dir(f.Path()))); path = filepath.Dir(path) {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	for _, entry := range entries {
		if info, err := entry.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", entry.Name(), info.Mode(), err)
		}
	}
	must(t, f.Check())
	must(t, f.Delete(ctx, popHost))
	if _, err := f.Get(ctx, popHost); !errors.Is(err, ErrNoEntry) {
		t.Errorf("after it was deleted: %v", err)
	}
	must(t, f.SetAside(ctx, accountKey))
	if _, err := f.Get(ctx, accountKey); !errors.Is(err, ErrNoEntry) {
		t.Errorf("after it was set aside: %v", err)
	}
	if data, err := os.ReadFile(filepath.Join(f.Path(), accountKey+damaged)); err != nil || string(data) != "key" {
		t.Errorf("set aside are %q, %v", data, err)
	}
}

// Each CA has its own folder: what staging has issued is never served in its
// place.
func TestFolderOfEachCA(t *testing.T) {
	seen := make(map[string]string)
	for directory, want := range map[string]string{
		LetsEncrypt:                             "letsencrypt",
		LetsEncryptStaging:                      "letsencrypt-staging",
		"https://ca.example.com/acme/directory": "ca.example.com-",
		"https://ca.example.com/other":          "ca.example.com-",
		"https://CA.example.com:14000/dir":      "ca.example.com-",
		"https://[2001:db8::1]/dir":             "2001-db8--1-",
		"https://../../etc/":                    "ca-",
	} {
		name := filepath.Base(NewFolder("/root", directory).Path())
		if !strings.HasPrefix(name, want) || seen[name] != "" || NewFolder("/root", directory).Path() != "/root/"+name {
			t.Errorf("%s has the folder %s, as %q", directory, name, seen[name])
		}
		seen[name] = directory
	}
}

func TestFolderRefusesKeysThatLeaveIt(t *testing.T) {
	f := newTestFolder(t)
	for _, key := range []string{"", ".", "..", "../x", "a/b", `a\b`, "a\x00b", ".hidden", strings.Repeat("a", 256)} {
		_, getErr := f.Get(t.Context(), key)
		for _, err := range []error{getErr, f.Put(t.Context(), key, nil), f.Delete(t.Context(), key), f.SetAside(t.Context(), key)} {
			if err == nil || errors.Is(err, ErrNoEntry) {
				t.Errorf("%q: %v", key, err)
			}
		}
	}
}

// Keys that others can read are refused, with the command that mends it.
func TestFolderExposed(t *testing.T) {
	f := newTestFolder(t)
	must(t, f.Check()) // not there yet
	must(t, f.Put(t.Context(), accountKey, []byte("key")))
	key := filepath.Join(f.Path(), accountKey)
	for _, mode := range []os.FileMode{0o644, 0o604, 0o606, 0o601} {
		must(t, os.Chmod(key, mode))
		var exposed *ExposedError
		if err := f.Check(); !errors.As(err, &exposed) || exposed.Path != key || !strings.HasSuffix(err.Error(), ": chmod -R go= "+f.Path()) {
			t.Errorf("mode %v: %v", mode, err)
		}
	}
	must(t, os.Chmod(key, 0o640))
	if err := f.Check(); err != nil || !f.SharedWithGroup() {
		t.Errorf("readable by the group: %v", err)
	}
	must(t, os.Chmod(key, 0o600))
	if f.SharedWithGroup() {
		t.Error("shared with nobody")
	}
	must(t, os.Chmod(f.Path(), 0o755))
	if f.Check() == nil {
		t.Error("a folder that others can look into")
	}
}

// Whoever reads while somebody writes gets the old entry or the new one.
func TestFolderIsWholeAtAnyMoment(t *testing.T) {
	f := newTestFolder(t)
	old, next := bytes.Repeat([]byte("a"), 200_000), bytes.Repeat([]byte("b"), 300_000)
	must(t, f.Put(t.Context(), popHost, old))
	var writers sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	for _, data := range [][]byte{old, next} {
		writers.Go(func() {
			for ctx.Err() == nil {
				if err := f.Put(context.Background(), popHost, data); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 200 {
		if data, err := f.Get(ctx, popHost); err != nil || !bytes.Equal(data, old) && !bytes.Equal(data, next) {
			t.Fatalf("%d octets, %v", len(data), err)
		}
	}
	cancel()
	writers.Wait()
}

// What can't be written says where and why, and leaves nothing behind.
func TestFolderThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	f := NewFolder(file, LetsEncrypt)
	if _, err := f.Get(t.Context(), popHost); !errors.Is(err, ErrNoEntry) {
		t.Errorf("read: %v", err)
	}
	must(t, f.Delete(t.Context(), popHost))
	if err := f.Put(t.Context(), popHost, nil); err == nil || !strings.HasPrefix(err.Error(), "certificate cache: write "+f.Path()) {
		t.Errorf("write: %v", err)
	}
}

func TestSweepRemovesWhatWasLeftBehind(t *testing.T) {
	f := newTestFolder(t)
	old := time.Now().Add(-2 * leftOver)
	for name, stays := range map[string]bool{popHost: true, accountKey: true, "old" + tokenSuffix: false, temporary + "1": false} {
		must(t, f.Put(t.Context(), "x", nil))
		must(t, os.Rename(filepath.Join(f.Path(), "x"), filepath.Join(f.Path(), name)))
		must(t, os.Chtimes(filepath.Join(f.Path(), name), old, old))
		defer func() {
			if _, err := os.Stat(filepath.Join(f.Path(), name)); (err == nil) != stays {
				t.Errorf("%s: %v", name, err)
			}
		}()
	}
	must(t, f.Put(t.Context(), "new"+tokenSuffix, nil))
	f.Sweep(time.Now())
	if _, err := f.Get(t.Context(), "new"+tokenSuffix); err != nil {
		t.Errorf("a token under way: %v", err)
	}
}
