package admin

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// nobody is a user without rights.
const nobody = 65534

// asNobody runs f on a thread that may open what nobody may; f must not start
// goroutines for that. Only root can.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: only root can become somebody else")
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		// Never unlocked: the thread ends with the goroutine.
		runtime.LockOSThread()
		if was, err := unix.SetfsuidRetUid(nobody); was != 0 || err != nil {
			t.Errorf("set file system user: was %d, %v", was, err)
		}
		f()
	}()
	<-done
}

// TestForeignDeadSocket: a socket that we must not connect to may be alive.
func TestForeignDeadSocket(t *testing.T) {
	dir, err := os.MkdirTemp("", "admin")
	must(t, err)
	defer os.RemoveAll(dir)
	must(t, os.Chmod(dir, 0o777))
	path := dir + "/s"
	leaveDead(t, path)
	must(t, os.Chmod(path, 0o600))
	asNobody(t, func() {
		err := replaceable(path)
		complain(t, err, fs.ErrPermission)
	})
	if _, err := os.Lstat(path); err != nil {
		t.Error(err)
	}
}

// TestForeignEnclosure: a folder of somebody else's is not ours, whatever mode
// it has.
func TestForeignEnclosure(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: only root can give a folder away")
	}
	path := newPath(t)
	must(t, os.Mkdir(path+besideSuffix, 0o700))
	must(t, os.Chown(path+besideSuffix, nobody, nobody))
	_, err := Listen(path)
	wantError(t, err, nil, "only we can enter")
}

// TestForbidden: the socket keeps others out, and they are told who may.
func TestForbidden(t *testing.T) {
	dir, err := os.MkdirTemp("", "admin")
	must(t, err)
	defer os.RemoveAll(dir)
	must(t, os.Chmod(dir, 0o755))
	mustListen(t, dir+"/s")
	asNobody(t, func() {
		_, err := NewClient(dir + "/s").dial(t.Context())
		complain(t, err, syscall.EACCES, "only root and the user that popgate runs as")
		complain(t, err, fs.ErrPermission)
	})
}

// complain is wantError for goroutines that are not the test's.
func complain(t *testing.T, err, target error, texts ...string) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("error %v, want %v", err, target)
		return
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error %q does not say %q", err, text)
		}
	}
}
