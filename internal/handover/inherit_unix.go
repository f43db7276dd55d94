//go:build unix

package handover

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Inherit returns the sockets that this process was given, and the popgate that
// gave them; nil: none did. It takes what says so out of the environment, so
// that it can be asked once. If it fails, some sockets may be there all the same.
//
// A process that was started by a popgate has standard error back then, which
// until here was a pipe to that one.
func Inherit() (*Sockets, *Predecessor, error) {
	text := make(map[string]string)
	for _, name := range []string{listenPID, listenFDs, listenNames, upgradeFDs} {
		text[name] = os.Getenv(name)
		_ = os.Unsetenv(name)
	}
	if text[upgradeFDs] != "" {
		return inheritPopgate(text[upgradeFDs])
	}
	names, err := systemdNames(text[listenPID], text[listenFDs], text[listenNames], os.Getpid())
	if err != nil {
		return new(Sockets), nil, err
	}
	sockets := new(Sockets)
	var errs []error
	for i, name := range names {
		if err := keepHere(firstFD + i); err != nil {
			errs = append(errs, err)
			continue
		}
		sockets.add(&Socket{Name: name, Kept: true}, firstFD+i)
	}
	return sockets, nil, errors.Join(errs...)
}

// inheritPopgate takes what another popgate gives.
func inheritPopgate(text string) (*Sockets, *Predecessor, error) {
	sockets := new(Sockets)
	numbers, err := upgradeNumbers(text)
	if err != nil {
		return sockets, nil, err
	}
	for _, fd := range numbers {
		if err := keepHere(fd); err != nil {
			return sockets, nil, err
		}
	}
	p := &Predecessor{inEnd: pipeEnd(numbers[0]), out: pipeEnd(numbers[1])}
	p.in = bufio.NewReader(p.inEnd)
	if err := unix.Dup2(numbers[2], syscall.Stderr); err != nil {
		return sockets, p, os.NewSyscallError("dup2", err)
	}
	closeDescriptor(numbers[2])
	var given offer
	if err := hear(p.in, &given); err != nil {
		return sockets, p, err
	}
	if fds := numbers[3:]; len(given.Sockets) != len(fds) {
		return sockets, p, fmt.Errorf("hand-over: %d sockets are told of and %d are there", len(given.Sockets), len(fds))
	}
	for i, socket := range given.Sockets {
		if socket == nil {
			return sockets, p, errors.New("hand-over: a socket without a word")
		}
		sockets.add(socket, numbers[3+i])
	}
	p.state = given.State
	return sockets, p, nil
}

// errOwn is a descriptor that this program has opened itself, as Go's runtime does
// some: nothing was passed under that number.
var errOwn = errors.New("it isn't one that was passed")

// keepHere keeps a descriptor that was passed from any other program.
func keepHere(fd int) error {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	if err != nil {
		return fmt.Errorf("descriptor %d: %w", fd, os.NewSyscallError("fcntl", err))
	}
	if flags&unix.FD_CLOEXEC != 0 {
		return fmt.Errorf("descriptor %d: %w", fd, errOwn)
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, unix.FD_CLOEXEC); err != nil {
		return fmt.Errorf("descriptor %d: %w", fd, os.NewSyscallError("fcntl", err))
	}
	return nil
}

// pipeEnd is a pipe of the talk, such that closing it ends whoever reads there.
func pipeEnd(fd int) *os.File {
	_ = syscall.SetNonblock(fd, true)
	return os.NewFile(uintptr(fd), "hand-over")
}

// localAddr is where a descriptor listens; nil: it isn't a socket that accepts
// streams.
func localAddr(fd int) net.Addr {
	if listens, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err != nil || listens == 0 {
		return nil
	}
	l, err := listener(fd)
	if err != nil {
		return nil
	}
	defer l.Close()
	return l.Addr()
}

// duplicate returns a second descriptor of a socket.
func duplicate(fd int) (*os.File, error) {
	second, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(second), "socket"), nil
}

func closeDescriptor(fd int) { _ = unix.Close(fd) }
