package e2e

import (
	"bufio"
	"net"
	"strings"
	"testing"
	"time"
)

// security is how a connection is protected.
type security string

const (
	noTLS       security = "plain"
	implicitTLS security = "implicit"
	startTLS    security = "starttls"
)

// endpoint is a POP3 server as a mail client is told about it.
type endpoint struct {
	host     string // the name that its certificate must hold; it is always reached at 127.0.0.1
	port     int
	security security
	version  string // the only TLS version that the client may use: "1.2" or "1.3"
	ca       string // file of the certificate authority that the client trusts
}

// account is a mailbox's login.
type account struct{ user, password string }

// visit is one run of a mail client.
type visit struct {
	endpoint
	account
	login string // "USER", or the SASL mechanism "PLAIN" or "LOGIN"
}

// awaitGreeting waits until a POP3 server in the clear greets on the port.
func awaitGreeting(t testing.TB, p *process, port int) {
	t.Helper()
	awaitPort(t, p, port, func(c net.Conn) bool {
		c.SetDeadline(time.Now().Add(patience))
		line, err := bufio.NewReader(c).ReadString('\n')
		return err == nil && strings.HasPrefix(line, "+OK")
	})
}

// awaitPort waits until the process accepts a connection on the port, and ready likes it.
func awaitPort(t testing.TB, p *process, port int, ready func(net.Conn) bool) {
	t.Helper()
	eventually(t, p.name+" accepts connections", func() bool {
		select {
		case <-p.done:
			t.Fatalf("%s ended with code %d", p.name, p.code)
		default:
		}
		c, err := net.DialTimeout("tcp", loopback(port), patience)
		if err != nil {
			return false
		}
		defer c.Close()
		return ready(c)
	})
}
