package admin

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// connects tells whether somebody listens at path.
func connects(path string) bool {
	conn, err := net.Dial("unix", path)
	if err == nil {
		_ = conn.Close()
	}
	return err == nil
}

// leaveDead leaves the socket of a process that died.
func leaveDead(t testing.TB, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	must(t, err)
	l.SetUnlinkOnClose(false)
	must(t, l.Close())
}

// wantEntries fails unless the folder of path has exactly these names in it.
func wantEntries(t testing.TB, path string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	must(t, err)
	var found []string
	for _, entry := range entries {
		found = append(found, entry.Name())
	}
	if !slices.Equal(found, names) {
		t.Errorf("in the folder: %v, want %v", found, names)
	}
}

func TestListen(t *testing.T) {
	path := newPath(t)
	l := mustListen(t, path)
	info, err := os.Lstat(path)
	must(t, err)
	if info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	if l.Addr().String() != path || l.Addr().Network() != "unix" {
		t.Errorf("address %v", l.Addr())
	}
	wantEntries(t, path, "s")
	conn, err := net.Dial("unix", path)
	must(t, err)
	defer conn.Close()
	accepted, err := l.Accept()
	must(t, err)
	must(t, accepted.Close())

	must(t, l.Close())
	wantEntries(t, path)
	must(t, l.Close())
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close: %v", err)
	}
}

// TestFolder: the last folder is made, those above it are not.
func TestFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run", "s")
	mustListen(t, path)
	info, err := os.Stat(filepath.Dir(path))
	must(t, err)
	if info.Mode().Perm()&^0o755 != 0 || info.Mode().Perm()&0o700 != 0o700 {
		t.Errorf("folder of mode %v", info.Mode())
	}
	_, err = Listen(filepath.Join(t.TempDir(), "a", "b", "s"))
	wantError(t, err, fs.ErrNotExist, "listen on ", "/a/b/s: mkdir ")
}

func TestDeadSocket(t *testing.T) {
	path := newPath(t)
	leaveDead(t, path)
	l := mustListen(t, path)
	if !connects(path) {
		t.Error("nobody answers")
	}
	must(t, l.Close())
	wantEntries(t, path)
}

func TestLiveSocket(t *testing.T) {
	path := newPath(t)
	mustListen(t, path)
	before, err := os.Lstat(path)
	must(t, err)
	_, err = Listen(path)
	wantError(t, err, ErrInUse, "listen on "+path)
	after, err := os.Lstat(path)
	must(t, err)
	if !os.SameFile(before, after) || !connects(path) {
		t.Error("the live socket was replaced")
	}
	wantEntries(t, path, "s")
}

// TestLiveDatagrams: a socket of another kind is somebody's all the same.
func TestLiveDatagrams(t *testing.T) {
	path := newPath(t)
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	must(t, err)
	defer conn.Close()
	_, err = Listen(path)
	wantError(t, err, ErrInUse)
}

func TestNoSocket(t *testing.T) {
	make := map[string]func(path string) error{
		"file":            func(path string) error { return os.WriteFile(path, []byte("mail"), 0o600) },
		"folder":          func(path string) error { return os.Mkdir(path, 0o755) },
		"link to nothing": func(path string) error { return os.Symlink("nothing", path) },
		"link to a dead socket": func(path string) error {
			leaveDead(t, path+"d")
			return os.Symlink(path+"d", path)
		},
	}
	for name, make := range make {
		path := newPath(t)
		must(t, make(path))
		before, err := os.Lstat(path)
		must(t, err)
		_, err = Listen(path)
		wantError(t, err, nil, "listen on "+path, "no socket")
		if after, err := os.Lstat(path); err != nil || !os.SameFile(before, after) {
			t.Errorf("%s: removed (%v)", name, err)
		}
	}
}

// TestSuccessor: a listener leaves alone what has taken its place.
func TestSuccessor(t *testing.T) {
	path := newPath(t)
	first := mustListen(t, path)
	must(t, os.Remove(path))
	second := mustListen(t, path)
	must(t, first.Close())
	if !connects(path) {
		t.Error("the first one's end removed the second one's socket")
	}
	must(t, second.Close())
	wantEntries(t, path)

	third := mustListen(t, path)
	must(t, os.Remove(path))
	must(t, os.WriteFile(path, nil, 0o600))
	must(t, third.Close())
	wantEntries(t, path, "s")

	path = filepath.Join(t.TempDir(), "run", "s")
	fourth := mustListen(t, path)
	must(t, os.RemoveAll(filepath.Dir(path)))
	must(t, fourth.Close())
}

// TestFight: of many who find a dead socket, one gets it, and nobody takes it
// away again.
func TestFight(t *testing.T) {
	for range 30 {
		path := newPath(t)
		leaveDead(t, path)
		const fighters = 8
		var wait sync.WaitGroup
		won := make(chan net.Listener, fighters)
		for range fighters {
			wait.Go(func() {
				l, err := Listen(path)
				switch {
				case err == nil:
					won <- l
				case !errors.Is(err, ErrInUse):
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if len(won) != 1 {
			t.Fatalf("%d have it", len(won))
		}
		winner := <-won
		wantEntries(t, path, "s")
		if !winner.(*listener).ours() || !connects(path) {
			t.Error("the socket is not the winner's")
		}
		must(t, winner.Close())
	}
}

// TestRestarts: while sockets come and go, every end leaves what is not its own.
func TestRestarts(t *testing.T) {
	path := newPath(t)
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for range 50 {
				l, err := Listen(path)
				if errors.Is(err, ErrInUse) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if !connects(path) {
					t.Error("a live socket is gone")
				}
				if err := l.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	wantEntries(t, path)
}

// TestCrashed: a process died while it made its socket.
func TestCrashed(t *testing.T) {
	path := newPath(t)
	must(t, os.Mkdir(path+besideSuffix, 0o700))
	leaveDead(t, path+besideSuffix+insideName)
	mustListen(t, path)
	wantEntries(t, path, "s")
}

// TestOpenEnclosure: a folder that others can enter is no place to make a
// socket in, and neither is one that a link leads to.
func TestOpenEnclosure(t *testing.T) {
	path := newPath(t)
	must(t, os.Mkdir(path+besideSuffix, 0o700))
	must(t, os.Chmod(path+besideSuffix, 0o711))
	_, err := Listen(path)
	wantError(t, err, nil, path+besideSuffix, "only we can enter")
	wantEntries(t, path, "s.new")

	path = newPath(t)
	must(t, os.Symlink(t.TempDir(), path+besideSuffix))
	if _, err := Listen(path); err == nil {
		t.Error("a link was followed")
	}
}

// TestGoneEnclosure: a lock on a folder that was removed, and made anew by
// another process, is no lock.
func TestGoneEnclosure(t *testing.T) {
	path := newPath(t)
	must(t, os.Mkdir(path, 0o700))
	dir, err := openFolder(path)
	must(t, err)
	defer dir.Close()
	must(t, os.Remove(path))
	wantError(t, own(dir, path), errLocked)
	must(t, os.Mkdir(path, 0o700))
	wantError(t, own(dir, path), errLocked)
}

// TestLocked: somebody holds the lock and is stopped.
func TestLocked(t *testing.T) {
	path := newPath(t)
	held, err := enclose(path)
	must(t, err)
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		_, err := Listen(path)
		wantError(t, err, errLocked, "listen on "+path, "lock "+path+besideSuffix)
		if took := time.Since(began); took > lockLimit+time.Second {
			t.Errorf("it took %v", took)
		}
	})

	// Whoever waits gets it when it is free.
	free := make(chan error, 1)
	go func() {
		l, err := Listen(path)
		if err == nil {
			err = l.Close()
		}
		free <- err
	}()
	held.leave()
	must(t, <-free)
	wantEntries(t, path)
}

// TestLockedClose: the socket is closed even if its file has to stay.
func TestLockedClose(t *testing.T) {
	path := newPath(t)
	l := mustListen(t, path)
	held, err := enclose(path)
	must(t, err)
	synctest.Test(t, func(t *testing.T) { wantError(t, l.Close(), errLocked, "remove "+path) })
	held.leave()
	if connects(path) {
		t.Error("still open")
	}
	mustListen(t, path)
}

func TestPaths(t *testing.T) {
	_, err := Listen(filepath.Join(t.TempDir(), strings.Repeat("x", maxPath)))
	wantError(t, err, nil, "listen on ", "octets")
	if _, err := Listen("/tmp/a\x00b"); err == nil {
		t.Error("a path with NUL")
	}

	dir := t.TempDir()
	t.Chdir(dir)
	l := mustListen(t, "@s") // as it stands, a socket without a mode
	if l.Addr().String() != filepath.Join(dir, "@s") {
		t.Errorf("at %v", l.Addr())
	}
	wantEntries(t, filepath.Join(dir, "@s"), "@s")
	conn, err := NewClient("@s").dial(t.Context())
	must(t, err)
	must(t, conn.Close())
}

// TestLongest: a socket of the longest path works.
func TestLongest(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, strings.Repeat("x", maxPath-len(dir)-1))
	mustListen(t, path)
	if !connects(path) {
		t.Error("nobody answers")
	}
}

// wideModes looks at path and its enclosure until stop is closed, and returns
// the modes that let anybody but the owner in.
func wideModes(path string, stop chan struct{}) (wide []fs.FileMode, looks int) {
	for {
		select {
		case <-stop:
			return wide, looks
		default:
		}
		for _, name := range []string{path, path + besideSuffix} {
			if info, err := os.Lstat(name); err == nil {
				looks++
				if info.Mode().Perm()&0o077 != 0 {
					wide = append(wide, info.Mode())
				}
			}
		}
	}
}

// TestNoWideMoment: with an umask that takes nothing away, the socket never has
// a wider mode, nor is it in a folder that has.
func TestNoWideMoment(t *testing.T) {
	defer umask(umask(0))
	path := newPath(t)
	stop, done := make(chan struct{}), make(chan struct{})
	var wide []fs.FileMode
	var looks int
	go func() {
		defer close(done)
		wide, looks = wideModes(path, stop)
	}()
	for end := time.Now().Add(300 * time.Millisecond); time.Now().Before(end); {
		l, err := Listen(path)
		must(t, err)
		must(t, l.Close())
	}
	close(stop)
	<-done
	if len(wide) > 0 {
		t.Errorf("%d wide modes, such as %v", len(wide), wide[0])
	}
	if looks == 0 {
		t.Error("nothing was seen")
	}
}
