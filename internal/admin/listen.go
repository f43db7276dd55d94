package admin

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// ErrInUse is a socket that a live process answers on.
var ErrInUse = errors.New("another process answers there")

// maxPath bounds a socket's path, in octets: systems have room for 103 (macOS)
// or 107 (Linux), and the socket is made under a name that is longer.
const maxPath = 103 - len(besideSuffix) - len(insideName)

// Listen makes a unix socket with mode 0600. It replaces the socket of a dead
// process; one that a live process answers on is [ErrInUse], and whatever is no
// socket is left alone. If the last folder of path is missing, it is made with
// mode 0755, which is for /run/popgate where systemd doesn't make it; the
// folders above it are not made.
//
// Closing the listener removes the socket, unless it is not ours any more.
//
// The socket comes to path by being renamed, when it already has its mode and
// listens. Until then it is in a folder of mode 0700: a socket has its mode from
// the umask, which belongs to the whole process and can't be changed for a
// moment without changing it for every file that other goroutines make, and
// between bind(2) and chmod(2) in an open folder anybody could connect.
func Listen(path string) (net.Listener, error) {
	l, err := listen(path)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	return l, nil
}

func listen(path string) (*listener, error) {
	path, err := socketPath(path)
	if err != nil {
		return nil, err
	}
	if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	beside, err := enclose(path)
	if err != nil {
		return nil, err
	}
	defer beside.leave()
	// Under the enclosure's lock: of two that find the same dead socket, the
	// second one finds the first one's.
	if err := replaceable(path); err != nil {
		return nil, err
	}
	socket, err := beside.bind()
	if err != nil {
		return nil, err
	}
	own, err := os.Lstat(beside.socket())
	if err == nil {
		err = os.Rename(beside.socket(), path)
	}
	if err != nil {
		_ = socket.Close()
		_ = os.Remove(beside.socket())
		return nil, err
	}
	return &listener{UnixListener: socket, path: path, own: own}, nil
}

// socketPath makes path absolute: "@" at the beginning of a relative one would
// mean a socket outside of the file system on Linux, which has no mode.
func socketPath(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if len(path) > maxPath {
		return "", fmt.Errorf("the path has %d octets, and a socket's can have %d", len(path), maxPath)
	}
	return path, nil
}

// replaceable tells whether a new socket may take path: there is nothing, or
// the socket of a dead process.
func replaceable(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return errors.New("there is something that is no socket")
	}
	return dead(path)
}

// answerLimit is for connecting to a socket of this machine, which either
// works at once or not at all.
const answerLimit = time.Second

// dead returns nil for a socket that nobody has open.
func dead(path string) error {
	conn, err := net.DialTimeout("unix", path, answerLimit)
	switch {
	case err == nil:
		_ = conn.Close()
		return ErrInUse
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.EPROTOTYPE):
		// Its queue is full, or it is no stream: somebody has it all the same.
		return ErrInUse
	}
	return fmt.Errorf("whether a process answers there can't be told: %w", err)
}

// listener is a unix socket that has been renamed.
type listener struct {
	*net.UnixListener
	path string
	// own is the socket's file; nil: another process sees to it. As long as the socket is open, no other file
	// can be taken for it: its inode is not given away.
	own  fs.FileInfo
	once sync.Once
	err  error

	mu sync.Mutex // guards own
}

// Addr is where the socket is now.
func (l *listener) Addr() net.Addr { return &net.UnixAddr{Name: l.path, Net: "unix"} }

// Close removes the socket if it is still ours, and closes it.
func (l *listener) Close() error {
	l.once.Do(func() {
		err := l.remove()
		if err != nil {
			err = fmt.Errorf("remove %s: %w", l.path, err)
		}
		l.err = errors.Join(err, l.UnixListener.Close())
	})
	return l.err
}

// remove removes the socket's file. If the lock can't be had, the file stays:
// a dead socket is replaced by the next process.
func (l *listener) remove() error {
	if !l.ours() {
		return nil
	}
	beside, err := enclose(l.path)
	if err != nil {
		return err
	}
	defer beside.leave()
	if !l.ours() {
		return nil
	}
	return os.Remove(l.path)
}

func (l *listener) ours() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	info, err := os.Lstat(l.path)
	return err == nil && l.own != nil && os.SameFile(info, l.own)
}
