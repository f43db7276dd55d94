package e2e

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestSIGHUPReloads: new sessions use the new backend, the one that is open stays where it is.
func TestSIGHUPReloads(t *testing.T) {
	everyMaildrop(t, func(t *testing.T, old maildrop) {
		next := startBuiltin(t)
		joe := old.mailbox(t, "joe", threeMails())
		moved := next.mailbox(t, "joe", []mail{newMail("new", "x\n")})
		s := settings{backends: backend("legacy", old.plain().port)}.filled(t)
		p := startPopgate(t, s)
		open := dial(t, p.implicit)
		open.login(joe)
		open.ok("DELE 1")

		s.backends = backend("legacy", next.port())
		write(t, p.config, s.text(keyFiles{filepath.Dir(p.config)}))
		p.signal(t, syscall.SIGHUP)
		eventually(t, "a new session reaches the new backend", func() bool {
			w := dial(t, p.implicit)
			return strings.HasPrefix(w.login(moved), "+OK") && len(w.fetch()) == 1
		})

		open.quit()
		old.closed(t, 1)
		if got, want := old.left(t, joe), []string{"two", "three"}; !slices.Equal(got, want) {
			t.Errorf("the old mailbox holds %q, want %q", got, want)
		}
	})
}

// TestBadReloadChangesNothing: after SIGHUP with a configuration that has mistakes, the old one stays in force, the
// log says what is wrong, and no session ends.
func TestBadReloadChangesNothing(t *testing.T) {
	t.Parallel()
	b := startBuiltin(t)
	joe := b.mailbox(t, "joe", threeMails())
	p := startPopgate(t, settings{backends: backend("legacy", b.port())})
	open := dial(t, p.implicit)
	open.login(joe)
	write(t, p.config, "backend \"legacy\" {\n  adress = \"127.0.0.1:110\"\n}\n")
	p.signal(t, syscall.SIGHUP)
	p.log.wait(t, 1, "adress")
	p.log.wait(t, 1, `\[ERROR\].*reload`)
	open.ok("NOOP")
	w := dial(t, p.starttls)
	if answer := w.login(joe); !strings.HasPrefix(answer, "+OK") {
		t.Errorf("new session: %q", answer)
	}
	open.quit()
}

// TestNewCertificateIsServed: certificate files that another tool replaces are used without a signal.
func TestNewCertificateIsServed(t *testing.T) {
	t.Parallel()
	b := startBuiltin(t)
	joe := b.mailbox(t, "joe", threeMails())
	p := startPopgate(t, settings{backends: backend("legacy", b.port())})
	open := dial(t, p.implicit)
	open.login(joe)
	dir := filepath.Dir(p.config)
	fresh := newKeys(t, t.TempDir(), host)
	for from, to := range map[string]string{
		fresh.ca():       keyFiles{dir}.ca(),
		fresh.key(host):  keyFiles{dir}.key(host),
		fresh.cert(host): keyFiles{dir}.cert(host),
	} {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	// The certificate authority is new too, so only the new certificate verifies.
	eventually(t, "the new certificate is served", func() bool {
		w := connect(t, p.implicit)
		return w.tryTLS(p.implicit, &tls.Config{}) == nil
	})
	open.quit()
}
