//go:build unix

package proxy_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

// fewDescriptors is set for the process that has few.
const fewDescriptors = "POPGATE_TEST_FEW_DESCRIPTORS"

// TestServeWithFewDescriptors is the other process of TestDescriptorsRunOut: a
// server that has 40 descriptors and serves until its input ends.
func TestServeWithFewDescriptors(t *testing.T) {
	if os.Getenv(fewDescriptors) == "" { // this is not that process
		return
	}
	_, address := serveDemo(t, 1)
	s := newStand(t, address, func(p *plan) {
		p.server.Logger = hclog.New(&hclog.LoggerOptions{Output: os.Stdout})
	})
	defer s.close()
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 40, Max: 40}); err != nil {
		t.Fatal(err)
	}
	fmt.Println("at", s.addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// Attack R1, with a real limit: a server that has no descriptor left neither
// ends nor spins, and serves again when some are free.
func TestDescriptorsRunOut(t *testing.T) {
	server := exec.Command(os.Args[0], "-test.run=^TestServeWithFewDescriptors$")
	server.Env = append(os.Environ(), fewDescriptors+"=1")
	server.Stderr = os.Stderr
	input, err := server.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(output)
	address := await(t, lines, "at ")
	_, address, _ = strings.Cut(address, "at ")

	var many []net.Conn
	for range 60 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		many = append(many, conn)
	}
	await(t, lines, "too many open files")
	for _, conn := range many {
		_ = conn.Close()
	}
	// Until the many are gone there may be none left to reach the backend with.
	err = errors.New("not tried")
	for tries := 0; err != nil && tries < 100; tries++ {
		err = tryLogin(address)
	}
	if err != nil {
		t.Error(err)
	}
	_ = input.Close()
	for lines.Scan() { // until it has ended
	}
	if err := server.Wait(); err != nil {
		t.Errorf("the server: %v", err)
	}
	if used := server.ProcessState.UserTime() + server.ProcessState.SystemTime(); used > 5*time.Second {
		t.Errorf("it used %v of CPU time", used)
	}
}

// tryLogin is one whole session. The server's test CA is in the other process.
func tryLogin(address string) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	m := newMail(conn, conn, &tls.Config{InsecureSkipVerify: true})
	return m.asks("", "+OK", "USER user0", "+OK", "PASS sesame", "+OK", "QUIT", "+OK")
}

// await reads up to the line that holds text.
func await(t *testing.T, lines *bufio.Scanner, text string) string {
	t.Helper()
	for lines.Scan() {
		if strings.Contains(lines.Text(), text) {
			return lines.Text()
		}
	}
	t.Fatalf("the output ended before %q", text)
	return ""
}
