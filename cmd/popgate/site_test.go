package main

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"popgate/internal/demo"
	"popgate/internal/poptest"
)

// The users that every mail server of these tests knows, their password, and
// popgate's name.
const (
	alice    = "alice"
	bob      = "bob"
	password = "open sesame"
	siteName = "pop.example.com"
)

// site is a folder with a configuration and a certificate, and a mail server.
type site struct {
	dir    string
	config string // its path
	ca     *poptest.CA
	mails  *demo.Server
	port   int // of the mail server, on loopback
}

// newSite makes a site whose configuration listens on a free port of loopback
// with TLS.
func newSite(t testing.TB) *site {
	t.Helper()
	s := &site{dir: t.TempDir(), ca: poptest.NewCA(t)}
	s.ca.WriteFiles(t, s.dir, siteName)
	s.mails, s.port = startMails(t, 3)
	s.config = filepath.Join(s.dir, "config.hcl")
	s.write(t, s.text(""))
	return s
}

// startMails starts a mail server in which each user has n mails.
func startMails(t testing.TB, n int) (*demo.Server, int) {
	t.Helper()
	var mails [][]byte
	for i := range n {
		mails = append(mails, fmt.Appendf(nil, "Subject: %d\r\n\r\n.\r\n", i+1))
	}
	server, err := demo.New(demo.Options{Users: []demo.User{
		{Name: alice, Password: password, Mails: mails},
		{Name: bob, Password: password, Mails: mails},
	}})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return server, listener.Addr().(*net.TCPAddr).Port
}

// Parts of a configuration.
const (
	ownSocket   = "admin { socket = \"admin.sock\" }\n"
	oneListener = "listener \"pop3s\" { address = \"127.0.0.1:0\" }\n"
	shortDelay  = "timeouts { failure_delay = \"100ms\" }\n"
)

// text is a whole configuration, with more behind it.
func (s *site) text(more string) string {
	return oneListener + ownSocket + s.certificate(siteName) + backendAt(s.port) + more
}

// certificate is the tls block with one pair of files in the site's folder.
func (s *site) certificate(name string) string {
	return "tls {\n" + certificateBlock("main", name) + "}\n"
}

func certificateBlock(label, name string) string {
	const block = "  certificate %q {\n    cert_file = %q\n    key_file  = %q\n  }\n"
	return fmt.Sprintf(block, label, name+".crt", name+".key")
}

func backendAt(port int) string {
	return fmt.Sprintf("backend \"legacy\" { address = \"127.0.0.1:%d\" }\n", port)
}

// needLoopbacks skips the test where loopback is 127.0.0.1 and nothing else.
func needLoopbacks(t testing.TB) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: it needs 127.0.0.2 and others, which Linux has by itself")
	}
}

// write replaces the configuration.
func (s *site) write(t testing.TB, text string) {
	t.Helper()
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// serve starts popgate with the site's configuration, and returns it and where
// it listens.
func (s *site) serve(t testing.TB) (*process, string) {
	t.Helper()
	p := popgate(t, nil, "serve", "--config", s.config)
	return p, p.log(t, 1, listening)[1]
}

// listening matches the log's line about a new listener, in both formats.
const listening = `listening\b.*?address["=:]+([0-9a-f.:\[\]]+)`

// client is a mail client under TLS.
type client struct {
	tb    testing.TB
	conn  *tls.Conn
	lines *bufio.Reader
}

// dial connects and takes the greeting.
func (s *site) dial(t testing.TB, address string) *client {
	t.Helper()
	conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: s.ca.Pool(), ServerName: siteName})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	c := &client{t, conn, bufio.NewReader(conn)}
	c.want("+OK ")
	return c
}

// login connects and logs in.
func (s *site) login(t testing.TB, address, user string) *client {
	t.Helper()
	c := s.dial(t, address)
	c.ok("USER " + user)
	c.ok("PASS " + password)
	return c
}

// ok sends a line and insists on +OK; it returns the answer.
func (c *client) ok(line string) string {
	c.tb.Helper()
	c.send(line)
	return c.want("+OK")
}

func (c *client) send(line string) {
	c.tb.Helper()
	if _, err := io.WriteString(c.conn, line+"\r\n"); err != nil {
		c.tb.Fatal(err)
	}
}

// want reads a line and insists on how it begins.
func (c *client) want(prefix string) string {
	c.tb.Helper()
	line, err := c.lines.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, prefix) {
		c.tb.Fatalf("got %q, %v; want %s…", line, err, prefix)
	}
	return strings.TrimRight(line, "\r\n")
}

// ended insists that nothing more comes.
func (c *client) ended() {
	c.tb.Helper()
	if rest, err := io.ReadAll(c.lines); err != nil || len(rest) > 0 {
		c.tb.Errorf("at the end there was %q, %v", rest, err)
	}
}

// quit says goodbye and goes.
func (c *client) quit() {
	c.tb.Helper()
	c.ok("QUIT")
	c.ended()
	_ = c.conn.Close()
}
