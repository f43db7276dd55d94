package e2e

import "testing"

// maildrop is a POP3 server with mailboxes, behind popgate.
type maildrop interface {
	// mailbox makes an account with these mails.
	mailbox(t testing.TB, user string, mails []mail) account

	// fill makes the mailbox of an account whose password is known already.
	fill(t testing.TB, a account, mails []mail) account

	// left returns the names of the mails that the mailbox still holds, in their order.
	left(t testing.TB, a account) []string

	// closed waits until n sessions of mailboxes have ended since the start, in whatever way.
	closed(t testing.TB, n int)

	// plain is the way to it without popgate.
	plain() endpoint
}

// everyMaildrop runs the test before a real Dovecot, where there is one, and before the built-in server, which needs
// nothing but Go.
func everyMaildrop(t *testing.T, test func(*testing.T, maildrop)) {
	t.Parallel()
	t.Run("dovecot", func(t *testing.T) {
		t.Parallel()
		test(t, startDovecot(t))
	})
	t.Run("built-in", func(t *testing.T) {
		t.Parallel()
		test(t, startBuiltin(t))
	})
}

// threeMails are mails for tests that are about deleting.
func threeMails() []mail {
	return []mail{newMail("one", "1\n"), newMail("two", "2\n"), newMail("three", "3\n")}
}
