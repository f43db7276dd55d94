//go:build linux

package e2e

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// plainProgram builds popgate as it is released: the race detector takes many times the memory.
func plainProgram(t testing.TB) string {
	t.Helper()
	path := filepath.Join(folder(t), "popgate")
	build := exec.Command("go", "build", "-trimpath", "-o", path, "popgate/cmd/popgate")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build popgate: %v\n%s", err, out)
	}
	return path
}

// fountain is a backend with one mail of 16 MiB for everybody, which takes it no memory. It returns the port.
func fountain(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var sessions sync.WaitGroup
	sessions.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			sessions.Go(func() { pour(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		sessions.Wait()
	})
	return l.Addr().(*net.TCPAddr).Port
}

// fountainChunk is what the fountain's mail is made of, fountainTimes times.
var fountainChunk = []byte(strings.Repeat(strings.Repeat("x", 62)+"\r\n", 1<<10))

const fountainTimes = 256

func pour(c net.Conn) {
	defer c.Close()
	c.SetDeadline(time.Now().Add(4 * patience))
	r := bufio.NewReader(c)
	fmt.Fprint(c, "+OK\r\n")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		fmt.Fprint(c, "+OK\r\n")
		switch strings.TrimSpace(line) {
		case "QUIT":
			return
		case "RETR 1":
			for range fountainTimes {
				if _, err := c.Write(fountainChunk); err != nil {
					return
				}
			}
			fmt.Fprint(c, ".\r\n")
		}
	}
}

// limited runs the program with so many octets of data segment.
func limited(t testing.TB, octets int) []string {
	t.Helper()
	return []string{need(t, "prlimit"), fmt.Sprintf("--data=%d", octets), plainProgram(t)}
}

// TestSmallBuffers: where memory is limited, the kernel keeps little of a mail that its reader has stopped to read.
func TestSmallBuffers(t *testing.T) {
	port := fountain(t)
	p := startPopgate(t, settings{backends: backend("legacy", port), run: limited(t, 256<<20)})
	reader, err := visitFrom("127.0.0.1", p.implicit, guestTLS(t, p.implicit))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	said, _, err := reader.login(account{"joe", newPassword()})
	if err == nil && strings.HasPrefix(said, in) {
		said, err = reader.command("RETR 1")
	}
	if err != nil || !strings.HasPrefix(said, in) {
		t.Fatalf("%q, %v", said, err)
	}
	// Buffers have grown by then.
	if _, err := io.CopyN(io.Discard, reader.r, 8<<20); err != nil {
		t.Fatal(err)
	}
	var kept, still int
	eventually(t, "nothing moves any more", func() bool {
		before := kept
		if kept = queued(t, p.implicit.port, port); kept != before {
			still = 0
		}
		still++
		return still == 10
	})
	// Without a limit it is 4 MiB or more.
	if t.Logf("%d octets wait in the kernel", kept); kept == 0 || kept > 1<<20 {
		t.Errorf("%d octets wait in the kernel", kept)
	}
}

// queued is what waits in the kernel to be sent or read, in octets, at the ends of connections with this port, or to that one.
func queued(t testing.TB, from, to int) (octets int) {
	t.Helper()
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		for _, line := range strings.Split(readFile(t, table), "\n")[1:] {
			fields := strings.Fields(line)
			if len(fields) < 5 || fields[3] != "01" { // established
				continue
			}
			var local, remote, unsent, unread int
			_, localPort, _ := strings.Cut(fields[1], ":")
			_, remotePort, _ := strings.Cut(fields[2], ":")
			if _, err := fmt.Sscanf(localPort+" "+remotePort+" "+fields[4], "%x %x %x:%x", &local, &remote, &unsent, &unread); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			if local == from || remote == to {
				octets += unsent + unread
			}
		}
	}
	return octets
}

// TestLittleMemory: with 256 MiB popgate outlives 20,000 connects, of clients that say nothing, begin a handshake and don't go
// on, or log in, ask for mail and don't take it. Who reads mail goes on, and afterwards all is as it was.
func TestLittleMemory(t *testing.T) {
	p := startPopgate(t, settings{
		backends: backend("legacy", fountain(t)) + many,
		run:      limited(t, 256<<20),
	})
	d := socketDesk(t, p)
	joe := account{"joe", newPassword()}
	reader, err := visitFrom("127.0.0.1", p.implicit, guestTLS(t, p.implicit))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if said, _, err := reader.login(joe); err != nil || !strings.HasPrefix(said, in) {
		t.Fatalf("login: %q, %v", said, err)
	}
	before := footprint(t, d)
	stop, read := make(chan struct{}), make(chan error, 1)
	var mails int
	go func() {
		for {
			select {
			case <-stop:
				read <- nil
				return
			default:
			}
			if err := readFountain(reader); err != nil {
				read <- err
				return
			}
			mails++
		}
	}()
	const connects, waves = 20_000, 5
	f := flood{e: p.implicit, config: guestTLS(t, p.implicit), a: joe}
	for range waves {
		f.wave(connects / waves)
		d.do(t, http.MethodGet, "/readyz", "", nil)
		f.ebb()
	}
	close(stop)
	if err := <-read; err != nil {
		t.Errorf("who was logged in can't read on after %d mails: %v", mails, err)
	}
	t.Logf("%d connects: %d took a place each, %d were refused; %d mails of 16 MiB were read meanwhile; VmHWM %s",
		connects, f.in.Load(), f.refused.Load(), mails, procStatus(t, p.process, "VmHWM"))
	if f.refused.Load() == 0 || f.in.Load() == 0 {
		t.Error("a flood of which all or none get in proves nothing")
	}
	eventually(t, "popgate is as before", func() bool {
		after := footprint(t, d)
		// Go's runtime has a few more goroutines of its own, once there was much garbage.
		return len(d.sessions(t)) == 1 && after.descriptors <= before.descriptors && after.goroutines <= before.goroutines+4
	})
	w := dial(t, p.starttls)
	insistLogin(t, w, joe, in)
	w.quit()
	if err := reader.quit(); err != nil {
		t.Error(err)
	}
}

// readFountain reads the mail.
func readFountain(g *guest) error {
	if said, err := g.command("RETR 1"); err != nil || !strings.HasPrefix(said, in) {
		return fmt.Errorf("RETR: %q, %v", said, err)
	}
	if _, err := io.CopyN(io.Discard, g.r, int64(fountainTimes*len(fountainChunk))); err != nil {
		return err
	}
	if line, err := g.r.ReadString('\n'); err != nil || line != ".\r\n" {
		return fmt.Errorf("the mail ends with %q, %v", line, err)
	}
	return nil
}

// flood is many connections at once, of all kinds that take memory.
type flood struct {
	e      endpoint
	config *tls.Config
	a      account

	in, refused atomic.Int64
	mu          sync.Mutex
	held        []net.Conn
}

// wave makes n connections and holds all that come in.
func (f *flood) wave(n int) {
	var coming sync.WaitGroup
	const atOnce = 16
	for worker := range atOnce {
		coming.Go(func() {
			for i := worker; i < n; i += atOnce {
				if f.one(i) == nil {
					f.in.Add(1)
				} else {
					f.refused.Add(1)
				}
			}
		})
	}
	coming.Wait()
}

// ebb ends the connections of a wave.
func (f *flood) ebb() {
	for _, c := range f.held {
		c.Close()
	}
	f.held = nil
}

// one connects. A client that says nothing doesn't learn whether it is in.
func (f *flood) one(i int) error {
	c, err := net.DialTimeout("tcp", loopback(f.e.port), patience)
	if err != nil {
		return err
	}
	f.mu.Lock()
	f.held = append(f.held, c)
	f.mu.Unlock()
	c.SetDeadline(time.Now().Add(2 * patience))
	// What the client doesn't take stays in popgate, and not in this system's buffers.
	_ = c.(*net.TCPConn).SetReadBuffer(4096)
	switch i % 8 {
	case 0:
		return nil
	case 1:
		// A hello of 16 KiB that doesn't end.
		_, err := c.Write([]byte("\x16\x03\x01\x40\x00\x01\x00\x3f\xfc" + strings.Repeat("x", 12_000)))
		return err
	}
	under := tls.Client(c, f.config)
	g := &guest{Conn: under, r: bufio.NewReader(under)}
	greeting, err := g.r.ReadString('\n')
	if err != nil || !strings.HasPrefix(greeting, in) {
		return errors.Join(err, errors.New("refused"))
	}
	if said, _, err := g.login(f.a); err != nil || !strings.HasPrefix(said, in) {
		return errors.Join(err, errors.New("refused"))
	}
	_, err = g.Write([]byte("RETR 1\r\n"))
	return err
}

// procStatus is a line of /proc/PID/status.
func procStatus(t testing.TB, p *process, key string) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, key+":"); ok {
			return strings.TrimSpace(rest)
		}
	}
	t.Fatalf("no %s in %s", key, text)
	return ""
}
