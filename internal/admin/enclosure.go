package admin

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"time"
)

// enclosure is a folder beside a socket, for the moment in which the socket is
// made or removed. Nobody else can enter it, and only one process at a time
// holds its lock, which ends with the process.
type enclosure struct {
	path string
	dir  *os.File
}

// What comes behind a socket's path: its enclosure, and the socket in there.
const (
	besideSuffix = ".new"
	insideName   = "/s"
)

// lockLimit is how long to wait for another process, which holds the lock for a
// few system calls; lockPause lies between two tries.
const (
	lockLimit = 2 * time.Second
	lockPause = 2 * time.Millisecond
)

// errLocked is an enclosure that another process holds.
var errLocked = errors.New("another process holds it")

// enclose makes and locks the enclosure beside a socket.
func enclose(socket string) (*enclosure, error) {
	path := socket + besideSuffix
	for end := time.Now().Add(lockLimit); ; time.Sleep(lockPause) {
		dir, err := enter(path)
		switch {
		case err == nil:
			return &enclosure{path: path, dir: dir}, nil
		case !errors.Is(err, errLocked):
			return nil, err
		case time.Now().After(end):
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
	}
}

// enter makes, opens and locks the folder at path. errLocked: try again.
func enter(path string) (*os.File, error) {
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	dir, err := openFolder(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errLocked // its holder has just removed it
	}
	if err != nil {
		return nil, err
	}
	if err := own(dir, path); err != nil {
		_ = dir.Close()
		return nil, err
	}
	return dir, nil
}

// own locks a folder, and checks that nobody else can enter it and that it
// still is the one at path.
func own(dir *os.File, path string) error {
	if err := lockFolder(dir); err != nil {
		return err
	}
	info, err := dir.Stat()
	if err != nil {
		return err
	}
	if !private(info) {
		return fmt.Errorf("%s is not a folder that only we can enter", path)
	}
	there, err := os.Lstat(path)
	if err != nil || !os.SameFile(info, there) {
		return errLocked // its last holder has removed it
	}
	return nil
}

// socket is the name of a socket in the making.
func (e *enclosure) socket() string { return e.path + insideName }

// bind makes a socket that listens and has its mode.
func (e *enclosure) bind() (*net.UnixListener, error) {
	// A process may have died here.
	if err := os.Remove(e.socket()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: e.socket(), Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false) // it would unlink the name in here
	if err := os.Chmod(e.socket(), 0o600); err != nil {
		_ = l.Close()
		_ = os.Remove(e.socket())
		return nil, err
	}
	return l, nil
}

// leave removes the folder, while it is locked, and unlocks it.
func (e *enclosure) leave() {
	_ = os.Remove(e.path)
	_ = e.dir.Close()
}
