package e2e

import (
	"crypto/sha256"
	"fmt"
	"testing"
)

// everyWay runs the test for each way in which a client can reach popgate.
func everyWay(t *testing.T, c client, p *popgate, a account, test func(*testing.T, visit)) {
	for _, mode := range []security{implicitTLS, startTLS} {
		for _, version := range []string{"1.2", "1.3"} {
			for _, login := range c.logins() {
				t.Run(fmt.Sprintf("%s/TLS%s/%s", mode, version, login), func(t *testing.T) {
					test(t, visit{p.via(mode, version), a, login})
				})
			}
		}
	}
}

// TestClientsReadEveryMail: each client gets from popgate, in each way it can, what it gets from Dovecot itself.
func TestClientsReadEveryMail(t *testing.T) {
	t.Parallel()
	for _, c := range clients() {
		t.Run(c.name(), func(t *testing.T) {
			t.Parallel()
			need(t, c.program())
			mails := oddMails()
			d := startDovecot(t)
			joe := d.mailbox(t, "joe", mails)
			p := startPopgate(t, settings{backends: backend("legacy", d.port), level: "debug"})
			want, r := c.fetch(t, visit{d.plain(), joe, c.logins()[0]})
			r.ok(t)
			if len(want) != len(mails) {
				t.Fatalf("Dovecot itself gives %d mails, not %d", len(want), len(mails))
			}
			everyWay(t, c, p, joe, func(t *testing.T, v visit) {
				got, r := c.fetch(t, v)
				r.ok(t)
				sameMails(t, got, want, mails)
			})
			// popgate's records prove that the clients did as they were told.
			for _, version := range []string{"1.2", "1.3"} {
				for _, login := range c.logins() {
					p.log.wait(t, 2, fmt.Sprintf(`session: .*tls_version="TLS %s".* user=joe .*mechanism=%s `, version, login))
				}
			}
		})
	}
}

// TestClientsReadHugeMail: the same for one mail of 10 MiB, which fills every buffer on the way.
func TestClientsReadHugeMail(t *testing.T) {
	t.Parallel()
	mails := []mail{newMail("before", "x\n"), hugeMail(), newMail("after", "y\n")}
	for _, c := range clients() {
		t.Run(c.name(), func(t *testing.T) {
			t.Parallel()
			need(t, c.program())
			d := startDovecot(t)
			joe := d.mailbox(t, "joe", mails)
			p := startPopgate(t, settings{backends: backend("legacy", d.port)})
			want, r := c.fetch(t, visit{d.plain(), joe, c.logins()[0]})
			r.ok(t)
			for _, mode := range []security{implicitTLS, startTLS} {
				got, r := c.fetch(t, visit{p.via(mode, "1.3"), joe, c.logins()[0]})
				r.ok(t)
				sameMails(t, got, want, mails)
			}
		})
	}
}

// TestClientsReadEmptyMaildrop: a mailbox without mails is no error.
func TestClientsReadEmptyMaildrop(t *testing.T) {
	t.Parallel()
	for _, c := range clients() {
		t.Run(c.name(), func(t *testing.T) {
			t.Parallel()
			need(t, c.program())
			d := startDovecot(t)
			joe := d.mailbox(t, "joe", nil)
			p := startPopgate(t, settings{backends: backend("legacy", d.port)})
			everyWay(t, c, p, joe, func(t *testing.T, v visit) {
				got, r := c.fetch(t, v)
				r.ok(t)
				if len(got) != 0 {
					t.Errorf("%d mails in an empty mailbox", len(got))
				}
			})
			d.log.wait(t, 4*len(c.logins()), "Logged out deleted=0 of=0")
		})
	}
}

// TestWireIsUnchanged: the bytes that follow the login are the backend's, and the mails in them are the stored ones.
func TestWireIsUnchanged(t *testing.T) {
	everyMaildrop(t, func(t *testing.T, m maildrop) {
		mails := append(oddMails(), hugeMail())
		joe := m.mailbox(t, "joe", mails)
		p := startPopgate(t, settings{backends: backend("legacy", m.plain().port)})
		direct := dial(t, m.plain())
		direct.login(joe)
		want := direct.fetch()
		for i, answer := range want {
			if unstuffed(answer) != mails[i].wire() {
				t.Errorf("the backend itself alters %s", mails[i].name)
			}
		}
		for _, e := range []endpoint{p.implicit, p.starttls} {
			w := dial(t, e)
			w.login(joe)
			sameMails(t, w.fetch(), want, mails)
		}
	})
}

// sameMails compares mails by their SHA-256.
func sameMails(t *testing.T, got, want [][]byte, mails []mail) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d mails came through popgate, want %d", len(got), len(want))
	}
	for i := range got {
		if g, w := sha256.Sum256(got[i]), sha256.Sum256(want[i]); g != w {
			t.Errorf("%s: SHA-256 %x through popgate (%d bytes), %x without (%d bytes)",
				mails[i].name, g, len(got[i]), w, len(want[i]))
		}
	}
}
