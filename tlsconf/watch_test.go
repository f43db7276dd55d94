package tlsconf

import (
	"context"
	"crypto/tls"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

// These tests use the real watch. Polls are an hour away, except where the
// watch can't see what happens.

// watched starts a Source of one block. Nothing that is written from now on
// goes unseen: Run sets the watch before it first reads the files.
func watched(t *testing.T, f Files, poll time.Duration) (*Source, *recorder, *logBook) {
	t.Helper()
	seen := newRecorder()
	book, logger := newLogger(hclog.Info)
	s := newTestSource(t, Options{Certificates: []Files{f}, Observer: seen, Logger: logger, PollInterval: poll})
	seen.wait(t, "loaded")
	stop := run(t, s)
	t.Cleanup(stop)
	return s, seen, book
}

// took waits until s serves p.
func took(t *testing.T, s *Source, seen *recorder, p pemPair) {
	t.Helper()
	if e := seen.wait(t, "loaded"); !e.notAfter.Equal(p.leaf.NotAfter) {
		t.Fatalf("loaded: %+v", e)
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		// The observer is told a moment before the snapshot is published.
		for {
			leaf, alert := served(t, s, &tls.Config{ServerName: "pop.example.com", MaxVersion: version})
			if alert != 0 {
				t.Fatalf("alert %d", alert)
			}
			if leaf.Equal(p.leaf) {
				break
			}
			runtime.Gosched()
		}
	}
}

// later makes a pair that ends after all that were made before.
func later(t *testing.T, hours int) pemPair {
	t.Helper()
	return newPEM(t, issue{names: []string{"pop.example.com"}, notAfter: time.Now().Add(time.Duration(24+hours) * time.Hour)})
}

func TestReloadAfterRename(t *testing.T) {
	dir := t.TempDir()
	f, _ := newFiles(t, dir, "main", "pop.example.com")
	s, seen, book := watched(t, f, time.Hour)
	for i := range 3 {
		next := later(t, i)
		tmp := next.write(t, t.TempDir(), "new")
		must(t, os.Rename(tmp.CertFile, f.CertFile))
		must(t, os.Rename(tmp.KeyFile, f.KeyFile))
		took(t, s, seen, next)
	}
	if lines := book.lines("refused"); len(lines) != 0 {
		t.Errorf("reported: %q", lines)
	}
}

func TestReloadAfterWriteInPlace(t *testing.T) {
	dir := t.TempDir()
	f, _ := newFiles(t, dir, "main", "pop.example.com")
	s, seen, book := watched(t, f, time.Hour)
	for i := range 3 {
		next := later(t, i)
		for path, data := range map[string][]byte{f.CertFile: next.cert, f.KeyFile: next.key} {
			file, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
			must(t, err)
			for _, b := range data {
				_, err := file.Write([]byte{b})
				must(t, err)
			}
			must(t, file.Close())
		}
		took(t, s, seen, next)
	}
	if lines := book.lines("refused"); len(lines) != 0 {
		t.Errorf("reported: %q", lines)
	}
}

// kubernetes publishes p as the kubelet does: a new folder, and one rename of
// the symlink "..data", through which the files' own symlinks go.
func kubernetes(t *testing.T, dir, version string, p pemPair) Files {
	t.Helper()
	fresh := filepath.Join(dir, "..version-"+version)
	must(t, os.Mkdir(fresh, 0o755))
	p.write(t, fresh, "tls")
	tmp, data := filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")
	old, _ := os.Readlink(data) // "" the first time
	must(t, os.Symlink(filepath.Base(fresh), tmp))
	must(t, os.Rename(tmp, data))
	if old != "" {
		must(t, os.RemoveAll(filepath.Join(dir, old)))
	}
	return Files{Name: "main", CertFile: filepath.Join(dir, "tls.crt"), KeyFile: filepath.Join(dir, "tls.key")}
}

func TestReloadAfterKubernetesSwap(t *testing.T) {
	dir := t.TempDir()
	f := kubernetes(t, dir, "0", later(t, 0))
	must(t, os.Symlink("..data/tls.crt", f.CertFile))
	must(t, os.Symlink("..data/tls.key", f.KeyFile))
	s, seen, book := watched(t, f, time.Hour)
	for i, version := range []string{"1", "2", "3"} {
		next := later(t, i+1)
		kubernetes(t, dir, version, next)
		took(t, s, seen, next)
	}
	if lines := book.lines("refused"); len(lines) != 0 {
		t.Errorf("reported: %q", lines)
	}
}

// A symlink further up: only the poll can see it, and the watch has to move.
func TestReloadAfterFolderSwap(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "1"), filepath.Join(dir, "2")
	must(t, os.Mkdir(first, 0o755))
	must(t, os.Mkdir(second, 0o755))
	later(t, 0).write(t, first, "main")
	next := later(t, 1)
	next.write(t, second, "main")

	link := filepath.Join(dir, "current")
	must(t, os.Symlink("1", link))
	f := Files{Name: "main", CertFile: filepath.Join(link, "main.crt"), KeyFile: filepath.Join(link, "main.key")}
	s, seen, _ := watched(t, f, 20*time.Millisecond)
	must(t, os.Symlink("2", link+".tmp"))
	must(t, os.Rename(link+".tmp", link))
	took(t, s, seen, next)
}

func TestFolderRemovedAndMadeAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tls")
	must(t, os.Mkdir(dir, 0o755))
	f, _ := newFiles(t, dir, "main", "pop.example.com")
	s, seen, _ := watched(t, f, 20*time.Millisecond)
	for i := range 3 {
		must(t, os.RemoveAll(dir))
		must(t, os.Mkdir(dir, 0o755))
		next := later(t, i)
		next.write(t, dir, "main")
		took(t, s, seen, next)
	}
}

// The watch itself must come back to a folder that was made again: once it has
// been seen there, the poll plays no part any more.
func TestWatchReturnsToFolderMadeAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tls")
	must(t, os.Mkdir(dir, 0o755))
	f, _ := newFiles(t, dir, "main", "pop.example.com")
	s := newTestSource(t, Options{Certificates: []Files{f}})
	folders := s.openFolders()
	defer folders.close()
	await := func(what string) {
		t.Helper()
		select {
		case <-folders.events:
		case <-time.After(20 * time.Second):
			t.Fatalf("no event for %s", what)
		}
	}
	folders.follow()
	must(t, os.RemoveAll(dir))
	await("what was removed")
	folders.follow()
	if !folders.failing[dir] {
		t.Error("the folder's absence went unnoticed")
	}
	must(t, os.Mkdir(dir, 0o755))
	folders.follow()
	if folders.failing[dir] {
		t.Error("the folder's return went unnoticed")
	}
	for len(folders.events) > 0 {
		<-folders.events
	}
	newPEM(t, issue{}).write(t, dir, "main")
	await("what was written into the new folder")
}

func TestChangesBetweenNewAndRun(t *testing.T) {
	dir := t.TempDir()
	f, _ := newFiles(t, dir, "main", "pop.example.com")
	seen := newRecorder()
	s := newTestSource(t, Options{Certificates: []Files{f}, Observer: seen, PollInterval: time.Hour})
	seen.wait(t, "loaded")
	next := later(t, 1)
	next.write(t, dir, "main")
	defer run(t, s)()
	took(t, s, seen, next)
}

func TestRunIsOneAtATime(t *testing.T) {
	f, _ := newFiles(t, t.TempDir(), "main", "pop.example.com")
	s := newTestSource(t, Options{Certificates: []Files{f}})
	s.running.Store(true)
	if err := s.Run(t.Context()); err == nil {
		t.Error("a second Run was let in")
	}
	s.running.Store(false)
	for range 2 { // one after the other is fine; goleak looks for leftovers
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		must(t, s.Run(ctx))
	}
}
