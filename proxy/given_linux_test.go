package proxy

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// TestGivenKeepAlive: what a given socket accepts has the times of keepalive that
// the socket has, and not Go's 15 seconds.
func TestGivenKeepAlive(t *testing.T) {
	opened, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	file, err := opened.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	_ = opened.Close()
	defer file.Close()
	inherited, err := net.FileListener(file)
	if err != nil {
		t.Fatal(err)
	}
	given, err := newGivenListener(inherited.(*net.TCPListener))
	if err != nil {
		t.Fatal(err)
	}
	defer given.Close()
	client, err := net.Dial("tcp", given.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	conn, err := given.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	want := given.(*givenListener).keepAlive
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Control(func(fd uintptr) {
		on, onErr := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_KEEPALIVE)
		idle, idleErr := unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_KEEPIDLE)
		if onErr != nil || idleErr != nil || on == 0 || idle != int(want.Idle.Seconds()) || idle <= 15 {
			t.Errorf("keepalive %d after %d s, want %v; %v, %v", on, idle, want.Idle, onErr, idleErr)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}
