package e2e

import (
	"slices"
	"strings"
	"testing"
)

// frozen is a policy under which joe may read and not delete.
const frozen = `
policy "freeze" {
  when      = user.local == "joe"
  read_only = true
}
`

// TestReadOnlyClients: under read_only real clients read what they always read, are told that a mail can't be deleted, and
// all mails are still there afterwards.
func TestReadOnlyClients(t *testing.T) {
	t.Parallel()
	for _, c := range []client{curl{}, mpop{}, openssl{}, poplib{}} {
		t.Run(c.name(), func(t *testing.T) {
			t.Parallel()
			need(t, c.program())
			mails := append(oddMails(), threeMails()...)
			d := startDovecot(t)
			joe := d.mailbox(t, "joe", mails)
			p := startPopgate(t, settings{backends: backend("legacy", d.port) + frozen})
			want, r := c.fetch(t, visit{d.plain(), joe, c.logins()[0]})
			r.ok(t)
			v := visit{p.via(implicitTLS, "1.3"), joe, c.logins()[0]}
			got, r := c.fetch(t, v)
			r.ok(t)
			sameMails(t, got, want, mails)

			r = c.removeSmall(t, v, []int{1, 2, 3})
			if r.code == 0 && !strings.Contains(r.output, "-ERR this mailbox is read-only") {
				t.Errorf("the client doesn't know that it deleted nothing\n%s", r.output)
			}
			// Stopped, popgate waits for the sessions to end, and then has the backend's too.
			p.stop()
			if got := d.left(t, joe); !slices.Equal(got, names(mails)) {
				t.Errorf("the mailbox holds %q, want all of %q", got, names(mails))
			}
			if got := p.log.lines(`session: .* user=joe .* policy=freeze read_only=true `); len(got) == 0 {
				t.Error("the log doesn't tell of read-only sessions")
			}
		})
	}
}

// TestReadOnlyKeepsMail: a deletion that is refused isn't carried out at QUIT, and doesn't reach the backend, between
// commands that do, all of them in one piece; other users still delete.
func TestReadOnlyKeepsMail(t *testing.T) {
	everyMaildrop(t, func(t *testing.T, m maildrop) {
		joe, ann := m.mailbox(t, "joe", threeMails()), m.mailbox(t, "ann", threeMails())
		p := startPopgate(t, settings{backends: backend("legacy", m.plain().port) + frozen})
		for a, left := range map[account][]string{joe: names(threeMails()), ann: {"two", "three"}} {
			w := dial(t, p.implicit)
			if answer := w.login(a); !strings.HasPrefix(answer, "+OK") {
				t.Fatal(answer)
			}
			w.send("NOOP", "DELE 1", "STAT", "XDELE 2", "QUIT")
			var answers []string
			for line := range strings.Lines(w.end()) {
				answers = append(answers, line)
			}
			if len(answers) != 5 {
				t.Fatalf("%s: 5 commands were answered %q", a.user, answers)
			}
			for i, good := range []bool{true, a == ann, true, false, true} {
				if got := strings.HasPrefix(answers[i], "+OK"); got != good {
					t.Errorf("%s: command %d was answered %q", a.user, i+1, answers[i])
				}
			}
			if a == joe && answers[1] != "-ERR this mailbox is read-only\r\n" {
				t.Errorf("DELE was answered %q", answers[1])
			}
			eventually(t, "the backend's session ends", func() bool { return slices.Equal(m.left(t, a), left) })
		}
		m.closed(t, 2)
		if got := m.left(t, joe); len(got) != 3 {
			t.Errorf("the mailbox holds %q, want all three mails", got)
		}
	})
}
