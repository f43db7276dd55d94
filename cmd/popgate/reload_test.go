package main

import (
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestReload: after SIGHUP new sessions get the new configuration. The one that
// is under way stays where it is, and its QUIT does what it should.
func TestReload(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p, address := s.serve(t)
	open := s.login(t, address, alice)
	open.ok("DELE 1")

	next, port := startMails(t, 7)
	s.write(t, oneListener+s.certificate(siteName)+backendAt(port))
	p.reload(t, 1)
	fresh := s.login(t, address, bob)
	if got := fresh.ok("STAT"); !strings.HasPrefix(got, "+OK 7 ") {
		t.Errorf("the new session is told %q, want the 7 mails of the new backend", got)
	}
	open.ok("DELE 2")
	open.quit()
	fresh.quit()
	p.log(t, 2, `session: .*end=quit`)
	if left := len(s.mails.Maildrop(alice)); left != 1 {
		t.Errorf("%d mails are left at the old backend, want 1", left)
	}
	if left := len(next.Maildrop(alice)); left != 7 {
		t.Errorf("%d mails are left at the new backend, want 7", left)
	}
}

// badReloads are configurations that can't take the place of a good one.
var badReloads = []struct {
	name string
	text func(testing.TB, *site) string
	says string // a pattern for what the operator is told
}{
	{
		name: "bad words",
		text: func(_ testing.TB, s *site) string { return s.text("limits { conections = 5 }\n") },
		says: `configuration problem: at=.*conections`,
	},
	{
		name: "no certificate file",
		text: func(_ testing.TB, s *site) string {
			return oneListener + s.certificate("no-such") + backendAt(s.port)
		},
		says: `no-such\.crt`,
	},
	{
		name: "taken port",
		text: func(t testing.TB, s *site) string {
			return s.text(strings.Replace(s.takenListener(t), "pop3s", "second", 1))
		},
		says: `listener .*second.*address already in use`,
	},
	{
		name: "not there",
		text: nil,
		says: `no such file`,
	},
}

// TestBadReload: a configuration that is no good changes nothing. The log says
// so and why, sessions under way go on, and new ones are served as before.
func TestBadReload(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p, address := s.serve(t)
	open := s.login(t, address, alice)
	open.ok("DELE 1")
	for i, test := range badReloads {
		if test.text == nil {
			if err := os.Remove(s.config); err != nil {
				t.Fatal(err)
			}
		} else {
			s.write(t, test.text(t, s))
		}
		p.signal(t, syscall.SIGHUP)
		p.log(t, i+1, `\[ERROR\] popgate: reload failed, the old configuration stays`)
		p.log(t, 1, test.says)
		open.ok("NOOP")
		fresh := s.login(t, address, bob)
		if got := fresh.ok("STAT"); !strings.HasPrefix(got, "+OK 3 ") {
			t.Errorf("%s: a new session is told %q, want 3 mails", test.name, got)
		}
		fresh.quit()
	}
	open.quit()
	p.log(t, len(badReloads)+1, `session: .*end=quit`)
	if left := len(s.mails.Maildrop(alice)); left != 2 {
		t.Errorf("%d mails are left, want 2", left)
	}
	// A good one is taken again.
	s.write(t, s.text(""))
	p.reload(t, 1)
	s.login(t, address, bob).quit()
}

// TestReloadServesNewCertificate: SIGHUP reads certificates again, too.
func TestReloadServesNewCertificate(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p, address := s.serve(t)
	open := s.login(t, address, alice)
	old := open.certificate()
	dir := t.TempDir()
	s.ca.WriteFiles(t, dir, siteName)
	for _, suffix := range []string{".key", ".crt"} {
		if err := os.Rename(filepath.Join(dir, siteName+suffix), filepath.Join(s.dir, siteName+suffix)); err != nil {
			t.Fatal(err)
		}
	}
	p.reload(t, 1)
	fresh := s.login(t, address, bob)
	if fresh.certificate().Equal(old) {
		t.Error("the old certificate is served still")
	}
	open.quit()
	fresh.quit()
}

// certificate is what the server has shown.
func (c *client) certificate() *x509.Certificate { return c.conn.ConnectionState().PeerCertificates[0] }

// TestReloadMovesListeners: new listeners open, those that are gone close, and
// a session that came in through one of these goes on.
func TestReloadMovesListeners(t *testing.T) {
	t.Parallel()
	needLoopbacks(t)
	s := newSite(t)
	p, address := s.serve(t)
	open := s.login(t, address, alice)
	s.write(t, strings.Replace(s.text(""), "127.0.0.1:0", "127.0.0.2:0", 1))
	p.reload(t, 1)
	p.log(t, 1, `listener closed: address=127\.0\.0\.1:0`)
	moved := p.log(t, 2, listening)[1]
	if conn, err := net.Dial("tcp", address); err == nil {
		_ = conn.Close()
		t.Errorf("%s is open still", address)
	}
	s.login(t, moved, bob).quit()
	open.ok("STAT")
	open.quit()
}

// TestReloadCannotWidenAListener: a port that popgate has at one address can't
// be had at all addresses by a reload, as docs/operations.md says.
func TestReloadCannotWidenAListener(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p, address := s.serve(t)
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, strings.Replace(s.text(""), "127.0.0.1:0", "0.0.0.0:"+port, 1))
	p.signal(t, syscall.SIGHUP)
	p.log(t, 1, `reload failed, the old configuration stays: .*address already in use`)
	s.login(t, address, bob).quit()
}
