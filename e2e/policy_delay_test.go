package e2e

import (
	"strings"
	"testing"
)

// TestPolicyLoginDelay: login_delay is announced before login, and who comes back too soon is told so, if the password is
// right. Who has a wrong one learns nothing of when the owner was here, other users are let in, and so is the owner after
// the delay.
func TestPolicyLoginDelay(t *testing.T) {
	t.Parallel()
	b := startBuiltin(t)
	seldom := b.mailbox(t, "joe@seldom.example", threeMails())
	other := b.mailbox(t, "ann@seldom.example", nil)
	often := b.mailbox(t, "joe@often.example", threeMails())
	p := startPopgate(t, settings{backends: backend("legacy", b.port()) + `
tenant "seldom" {
  domains     = ["seldom.example"]
  backend     = "legacy"
  login_delay = "1h"
}
tenant "often" {
  domains     = ["often.example"]
  backend     = "legacy"
  login_delay = "1s"
}
`})
	w := dial(t, p.implicit)
	// RFC 2449 §6.5: before login the longest delay of all, as it isn't known whose it will be.
	if capa := string(w.multi("CAPA")); !strings.Contains(capa, "\r\nLOGIN-DELAY 3600 USER\r\n") {
		t.Errorf("CAPA doesn't announce the delay:\n%s", capa)
	}
	if answer := w.login(seldom); !strings.HasPrefix(answer, "+OK") {
		t.Fatalf("the first login: %q", answer)
	}
	w.quit()

	w = dial(t, p.starttls)
	if answer := w.login(seldom); !strings.HasPrefix(answer, "-ERR [LOGIN-DELAY] ") {
		t.Errorf("too soon: %q, want -ERR [LOGIN-DELAY]", answer)
	}
	if answer := w.login(account{seldom.user, newPassword()}); !strings.HasPrefix(answer, "-ERR [AUTH] ") {
		t.Errorf("too soon, with a wrong password: %q, want -ERR [AUTH]", answer)
	}
	if answer := w.login(other); !strings.HasPrefix(answer, "+OK") {
		t.Errorf("another user: %q", answer)
	}

	again := func() bool {
		w := dial(t, p.implicit)
		defer w.Close()
		answer := w.login(often)
		if !strings.HasPrefix(answer, "+OK") && !strings.HasPrefix(answer, "-ERR [LOGIN-DELAY] ") {
			t.Fatalf("%s: %q", often.user, answer)
		}
		return strings.HasPrefix(answer, "+OK")
	}
	if !again() {
		t.Error("the first login was too soon")
	}
	eventually(t, "a login after the delay", again)
}
