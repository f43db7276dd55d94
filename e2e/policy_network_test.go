package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// officeOnly is a configuration that lets nobody in but from the addresses in a file.
func officeOnly(file string) string {
	return fmt.Sprintf(`
networks "office" {
  file = %q
}
policy "office-only" {
  when = !contains(client.networks, "office")
  deny = "office network only"
}
`, file)
}

// TestPolicyFollowsNetworksFile: who may log in is what the file says, also after it has changed and SIGHUP came; a file
// with a mistake changes nothing. Who may not gets the answer to a wrong password, the backend hears nothing of it, and
// the log tells which policy it was.
func TestPolicyFollowsNetworksFile(t *testing.T) {
	t.Parallel()
	const office, home = "127.0.3.1", "127.0.4.1"
	needAddresses(t, office, home)
	b := startBuiltin(t)
	joe := b.mailbox(t, "joe", threeMails())
	file := write(t, filepath.Join(folder(t), "office.txt"), "# the office\n127.0.3.0/24 # first floor\n2001:db8:7::/48\n")
	p := startPopgate(t, settings{backends: backend("legacy", b.port()) + officeOnly(file)})
	wrong := dialFrom(t, p.implicit, office).login(account{joe.user, newPassword()})
	insist := func(from string, in bool) {
		t.Helper()
		dials := b.dials.Load()
		answer := dialFrom(t, p.implicit, from).login(joe)
		switch {
		case in && !strings.HasPrefix(answer, "+OK"):
			t.Errorf("from %s: %q, want to be let in", from, answer)
		case !in && answer != wrong:
			t.Errorf("from %s: %q, want what a wrong password gets, %q", from, answer, wrong)
		case !in && b.dials.Load() != dials:
			t.Errorf("from %s: the backend was dialed", from)
		}
	}
	insist(office, true)
	insist(home, false)
	p.log.wait(t, 1, `login: event=login result=refused reason=policy client=127\.0\.4\.1:\d+ `+
		`mechanism=USER policy=office-only policy_text="office network only" `)

	open := dialFrom(t, p.implicit, office)
	open.login(joe)
	write(t, file, "127.0.4.1\n")
	p.signal(t, syscall.SIGHUP)
	p.log.wait(t, 1, `\[INFO\] .*: reloaded`)
	insist(office, false)
	insist(home, true)
	open.quit() // who is in stays in

	write(t, file, "127.0.3.0/24\n127.0.3.0/33\n")
	p.signal(t, syscall.SIGHUP)
	p.log.wait(t, 1, `\[ERROR\] .*reload failed.*office.*line 2`)
	insist(office, false)
	insist(home, true)
}
