package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestClientsDelete: after a client has deleted some mails, the Maildir on disk holds exactly the others, unchanged.
func TestClientsDelete(t *testing.T) {
	t.Parallel()
	for _, c := range clients() {
		t.Run(c.name(), func(t *testing.T) {
			t.Parallel()
			need(t, c.program())
			big := strings.Repeat("This mail is too large to be deleted.\n", 300)
			mails := []mail{
				newMail("small-a", "a\n"), newMail("big-b", big), newMail("small-c", "c\n"),
				newMail("big-d", big), newMail("small-e", "e\n"),
			}
			d := startDovecot(t)
			p := startPopgate(t, settings{backends: backend("legacy", d.port)})
			sessions := 0
			everyWay(t, c, p, account{}, func(t *testing.T, v visit) {
				v.account = d.mailbox(t, fmt.Sprintf("joe%d", sessions), mails)
				c.removeSmall(t, v, []int{1, 3, 5}).ok(t)
				sessions++
				d.closed(t, sessions)
				if got, want := d.left(t, v.account), []string{"big-b", "big-d"}; !slices.Equal(got, want) {
					t.Fatalf("the mailbox holds %q, want %q", got, want)
				}
				direct := dial(t, d.plain())
				direct.login(v.account)
				for i, answer := range direct.fetch() {
					if unstuffed(answer) != mails[2*i+1].wire() {
						t.Errorf("mail %d that was left has changed", i)
					}
				}
				sessions++
				d.closed(t, sessions)
			})
		})
	}
}
