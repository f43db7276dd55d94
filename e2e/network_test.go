package e2e

import (
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"sync"
	"testing"
)

// given are the ports that freePort has given away.
var given sync.Map

// freePort returns a loopback port that nothing listens on and that no other test of this run is given, so that a server
// can come late, or leave and come back. Deliberate: it lies below the range that kernels take
// ports for outgoing connections from, as those come and go all the time between this check and its use.
func freePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := 10000 + rand.IntN(22000)
		if _, taken := given.LoadOrStore(port, true); taken {
			continue
		}
		l, err := net.Listen("tcp", loopback(port))
		if err != nil {
			continue
		}
		l.Close()
		return port
	}
	t.Fatal("no free port on the loopback interface")
	return 0
}

// loopback returns the address of a port on the loopback interface.
func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// folder returns a folder that is removed after the test. Unlike t.TempDir's it has a short path, as those of unix
// sockets must fit into about 100 bytes, and other users may enter it, as Dovecot started by root runs as several.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "popgate")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("remove the test's folder: %v", err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// write stores a file for the test.
func write(t testing.TB, path, content string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
