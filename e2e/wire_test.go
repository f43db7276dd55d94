package e2e

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// wire is a POP3 connection that a test drives by hand. It changes no byte, so it is the reference for all others.
type wire struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

// dial connects and reads the greeting, after STLS if the endpoint asks for that.
func dial(t testing.TB, e endpoint) *wire {
	t.Helper()
	w := connect(t, e)
	w.open(e)
	return w
}

// open reads the greeting on a bare connection, and starts TLS as the endpoint asks for it.
func (w *wire) open(e endpoint) {
	w.t.Helper()
	if e.security == implicitTLS {
		w.startTLS(e)
	}
	w.greeting()
	if e.security == startTLS {
		w.ok("STLS")
		w.startTLS(e)
	}
}

// connect opens the bare connection; it is closed when the test ends.
func connect(t testing.TB, e endpoint) *wire {
	t.Helper()
	c, err := net.DialTimeout("tcp", loopback(e.port), patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	w := &wire{t: t}
	w.use(c)
	return w
}

// use goes on with c, which has a deadline so that no test hangs.
func (w *wire) use(c net.Conn) {
	c.SetDeadline(time.Now().Add(2 * patience))
	w.Conn, w.r = c, bufio.NewReader(c)
}

// startTLS goes on under TLS, and fails the test if the certificate isn't good for the endpoint's host.
func (w *wire) startTLS(e endpoint) {
	w.t.Helper()
	if err := w.tryTLS(e, &tls.Config{NextProtos: []string{"pop3"}}); err != nil {
		w.t.Fatalf("TLS handshake: %v", err)
	}
}

// tryTLS does the same with other options and returns what went wrong.
func (w *wire) tryTLS(e endpoint, options *tls.Config) error {
	w.t.Helper()
	pem, err := os.ReadFile(e.ca)
	if err != nil {
		w.t.Fatal(err)
	}
	options.ServerName, options.RootCAs = e.host, x509.NewCertPool()
	options.RootCAs.AppendCertsFromPEM(pem)
	c := tls.Client(w.Conn, options)
	if err := c.Handshake(); err != nil {
		return err
	}
	w.use(c)
	return nil
}

// greeting reads the line that a server speaks first.
func (w *wire) greeting() {
	w.t.Helper()
	if line := w.line(); !strings.HasPrefix(line, "+OK") {
		w.t.Fatalf("greeting %q", line)
	}
}

// login logs in by USER and PASS and returns the answer to PASS.
func (w *wire) login(a account) string {
	w.t.Helper()
	w.ok("USER " + a.user)
	return w.command("PASS " + a.password)
}

// send writes lines, each with its CRLF, in one piece.
func (w *wire) send(lines ...string) {
	w.t.Helper()
	w.raw(strings.Join(lines, "\r\n") + "\r\n")
}

// raw writes these bytes.
func (w *wire) raw(text string) {
	w.t.Helper()
	if _, err := w.Write([]byte(text)); err != nil {
		w.t.Fatal(err)
	}
}

// line reads one line with its end.
func (w *wire) line() string {
	w.t.Helper()
	line, err := w.r.ReadString('\n')
	if err != nil {
		w.t.Fatalf("after %q: %v", line, err)
	}
	return line
}

// command sends one line and returns the first line of the answer.
func (w *wire) command(line string) string {
	w.t.Helper()
	w.send(line)
	return w.line()
}

// ok sends one line, whose answer must be +OK.
func (w *wire) ok(line string) string {
	w.t.Helper()
	answer := w.command(line)
	if !strings.HasPrefix(answer, "+OK") {
		w.t.Fatalf("%.10q… was answered %q", line, answer)
	}
	return answer
}

// multi sends one line, whose answer must be +OK and goes on to the dot line, and returns all of it as it came.
func (w *wire) multi(line string) []byte {
	w.t.Helper()
	all := bytes.NewBufferString(w.ok(line))
	for begins := true; ; {
		part, err := w.r.ReadSlice('\n')
		all.Write(part)
		if begins && string(part) == ".\r\n" {
			return all.Bytes()
		}
		// A line that is longer than the reader's buffer comes in parts.
		begins = err == nil
		if err != nil && err != bufio.ErrBufferFull {
			w.t.Fatalf("after %d bytes of the answer to %q: %v", all.Len(), line, err)
		}
	}
}

// fetch returns all mails of a mailbox as they came, with the answer line and the dot-stuffing, and ends the session.
func (w *wire) fetch() [][]byte {
	w.t.Helper()
	var count, size int
	fmt.Sscanf(w.ok("STAT"), "+OK %d %d", &count, &size)
	var mails [][]byte
	for i := range count {
		mails = append(mails, w.multi(fmt.Sprintf("RETR %d", i+1)))
	}
	w.quit()
	return mails
}

// quit ends the session as good clients do: it reads to the end, then closes its side too.
func (w *wire) quit() {
	w.t.Helper()
	w.ok("QUIT")
	if rest := w.end(); rest != "" {
		w.t.Errorf("after the answer to QUIT came %q", rest)
	}
	w.Close()
}

// unstuffed returns the message in an answer to RETR.
func unstuffed(answer []byte) string {
	_, text, _ := strings.Cut(string(answer), "\r\n")
	text = strings.TrimSuffix(text, ".\r\n")
	text = strings.ReplaceAll("\r\n"+text, "\r\n.", "\r\n")
	return strings.TrimPrefix(text, "\r\n")
}

// end returns what still comes until the server closes the connection, in whatever way.
func (w *wire) end() string {
	w.t.Helper()
	var rest bytes.Buffer
	_, err := rest.ReadFrom(w.r)
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		w.t.Fatalf("the connection stays open; it said %q", rest.String())
	}
	return rest.String()
}
