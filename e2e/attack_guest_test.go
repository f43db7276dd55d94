package e2e

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"
)

// hasAddress reports whether this machine has an address. Linux has all of 127.0.0.0/8, which makes it easy to be many
// clients; others have the first one only, and some machines have no IPv6.
func hasAddress(address string) bool {
	l, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		return false
	}
	l.Close()
	return true
}

// needAddresses skips the test where the loopback interface doesn't have these addresses.
func needAddresses(t testing.TB, addresses ...string) {
	t.Helper()
	for _, address := range addresses {
		if !hasAddress(address) {
			missing(t, "this machine has no address %s, as Linux has", address)
		}
	}
}

// callFrom connects from an address of the loopback interface; an IPv6 one reaches [::1].
func callFrom(from string, port int) (net.Conn, error) {
	local, err := netip.ParseAddr(from)
	if err != nil {
		return nil, err
	}
	to := "127.0.0.1"
	if local.Is6() {
		to = "::1"
	}
	d := net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: local.AsSlice()}}
	return d.Dial("tcp", net.JoinHostPort(to, strconv.Itoa(port)))
}

// connectFrom is connect for a client that has an address of its own.
func connectFrom(t testing.TB, e endpoint, from string) *wire {
	t.Helper()
	c, err := callFrom(from, e.port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	w := &wire{t: t}
	w.use(c)
	return w
}

// dialFrom is dial for a client that has an address of its own.
func dialFrom(t testing.TB, e endpoint, from string) *wire {
	t.Helper()
	w := connectFrom(t, e, from)
	w.open(e)
	return w
}

// guest is a client of implicit TLS among many at once: its methods fail no test, but return errors.
type guest struct {
	net.Conn
	r *bufio.Reader
}

// guestTLS returns what guests at an endpoint use.
func guestTLS(t testing.TB, e endpoint) *tls.Config {
	t.Helper()
	config := trust(t, e.ca)
	config.ServerName, config.NextProtos = e.host, []string{"pop3"}
	return config
}

// visitFrom connects and reads the greeting.
func visitFrom(from string, e endpoint, config *tls.Config) (*guest, error) {
	c, err := callFrom(from, e.port)
	if err != nil {
		return nil, err
	}
	c.SetDeadline(time.Now().Add(4 * patience))
	under := tls.Client(c, config)
	g := &guest{Conn: under, r: bufio.NewReader(under)}
	greeting, err := g.r.ReadString('\n')
	if err == nil && !strings.HasPrefix(greeting, "+OK") {
		err = fmt.Errorf("greeting %q", greeting)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return g, nil
}

// command sends a line and returns the one that answers it.
func (g *guest) command(line string) (string, error) {
	if _, err := g.Write([]byte(line + "\r\n")); err != nil {
		return "", err
	}
	return g.r.ReadString('\n')
}

// login returns the answer to PASS, and how long that took.
func (g *guest) login(a account) (answer string, took time.Duration, err error) {
	if answer, err = g.command("USER " + a.user); err != nil || !strings.HasPrefix(answer, "+OK") {
		return answer, 0, fmt.Errorf("USER was answered %q: %v", answer, err)
	}
	began := time.Now()
	answer, err = g.command("PASS " + a.password)
	return answer, time.Since(began), err
}

// quit ends a session whose login went well.
func (g *guest) quit() error {
	defer g.Close()
	if answer, err := g.command("QUIT"); err != nil || !strings.HasPrefix(answer, "+OK") {
		return fmt.Errorf("QUIT was answered %q: %v", answer, err)
	}
	return nil
}

// isOver returns an error unless the server ends the session now, as it must after the last refusal.
func (g *guest) isOver() error {
	defer g.Close()
	if rest, err := io.ReadAll(g.r); err != nil || len(rest) > 0 {
		return fmt.Errorf("after the last refusal came %q: %v", rest, err)
	}
	return nil
}
