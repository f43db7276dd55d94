package admin

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
)

// errOpenToOthers is a socket that more than its owner and group can connect to.
// Over the socket everything may be done.
var errOpenToOthers = errors.New("others can connect to it: write SocketMode=0600 into its unit")

// Given makes an admin socket of a listening one that another process has opened
// at path, and closes it if it can't be one. Closing it leaves the file alone,
// which is the other process's; see [Claim].
func Given(l net.Listener, path string) (net.Listener, error) {
	given, err := given(l, path)
	if err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("inherited socket %s: %w", path, err)
	}
	return given, nil
}

func given(l net.Listener, path string) (*listener, error) {
	socket, ok := l.(*net.UnixListener)
	if !ok {
		return nil, errors.New("it is no unix socket")
	}
	path, err := socketPath(path)
	if err != nil {
		return nil, err
	}
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return nil, err
	case info.Mode().Type() != fs.ModeSocket:
		return nil, errors.New("there is something that is no socket")
	case info.Mode().Perm()&0o007 != 0:
		return nil, errOpenToOthers
	}
	socket.SetUnlinkOnClose(false)
	return &listener{UnixListener: socket, path: path}, nil
}

// Claim makes the file of a socket that was [Given] ours: closing it removes the
// file. The process before must have left it.
func Claim(l net.Listener) {
	if l, ok := l.(*listener); ok {
		info, err := os.Lstat(l.path)
		if err != nil {
			info = nil
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.own = info
	}
}

// Leave leaves the file of a socket to another process, which has the socket,
// too: closing it doesn't remove the file.
func Leave(l net.Listener) {
	if l, ok := l.(*listener); ok {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.own = nil
	}
}

// Owns tells whether a socket that [Listen] made, or that was claimed, is still
// the one that its path leads to.
func Owns(l net.Listener) bool {
	own, ok := l.(*listener)
	return ok && own.ours()
}
