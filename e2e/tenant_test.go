package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// tenants are two tenants, each with a Dovecot of its own, whose users partly have the same names.
type tenants struct {
	*popgate
	servers [2]*dovecot
}

// tenantHost and tenantDomain are the names of the tenant with this number.
func tenantHost(i int) string   { return fmt.Sprintf("pop.tenant%d.example", i) }
func tenantDomain(i int) string { return fmt.Sprintf("tenant%d.example", i) }

// startTenants runs popgate before two Dovecots.
func startTenants(t *testing.T) tenants {
	t.Helper()
	all := tenants{servers: [2]*dovecot{startDovecot(t), startDovecot(t)}}
	var blocks strings.Builder
	var hosts []string
	for i, d := range all.servers {
		hosts = append(hosts, tenantHost(i))
		blocks.WriteString(backend(fmt.Sprintf("backend%d", i), d.port))
		fmt.Fprintf(&blocks, "tenant \"tenant%d\" {\n  hosts = [%q]\n  domains = [%q]\n  backend = \"backend%d\"\n}\n",
			i, tenantHost(i), tenantDomain(i), i)
	}
	all.popgate = startPopgate(t, settings{backends: blocks.String(), hosts: hosts})
	return all
}

// at is the way to popgate under the name of a tenant.
func (ts tenants) at(i int, e endpoint) endpoint {
	e.host = tenantHost(i)
	return e
}

// TestTenantsAreApart: a user reaches the mailbox of their own tenant only, by the domain in the name or, for a bare
// name, by the host that was asked for; and each host has its own certificate.
func TestTenantsAreApart(t *testing.T) {
	t.Parallel()
	ts := startTenants(t)
	for i, d := range ts.servers {
		own := []mail{newMail(fmt.Sprintf("full-%d", i), strings.Repeat("x\n", i+1))}
		full := d.mailbox(t, "alice@"+tenantDomain(i), own)
		bare := d.mailbox(t, "bob", append(own, newMail("second", "y\n")))
		// Deliberate: the name is typed in capitals. Domains are compared without case, and Dovecot folds names too.
		capitals := account{strings.ToUpper(full.user), full.password}
		for _, e := range []endpoint{ts.at(i, ts.implicit), ts.at(i, ts.starttls)} {
			for count, a := range map[int]account{1: full, 2: bare} {
				w := dial(t, e)
				if answer := w.login(a); !strings.HasPrefix(answer, "+OK") {
					t.Fatalf("%s at %s: %q", a.user, e.host, answer)
				}
				mails := w.fetch()
				if len(mails) != count || unstuffed(mails[0]) != own[0].wire() {
					t.Errorf("%s at %s got %d mails, or another's", a.user, e.host, len(mails))
				}
			}
			w := dial(t, e)
			if answer := w.login(capitals); !strings.HasPrefix(answer, "+OK") {
				t.Errorf("%s at %s: %q", capitals.user, e.host, answer)
			}
		}
		for _, c := range []client{curl{}, openssl{}} {
			t.Run(fmt.Sprintf("%s/tenant%d", c.name(), i), func(t *testing.T) {
				need(t, c.program())
				e := ts.at(i, ts.implicit)
				mails, r := c.fetch(t, visit{e, full, "PLAIN"})
				r.ok(t)
				if len(mails) != 1 || !strings.Contains(string(mails[0]), own[0].name) {
					t.Errorf("%d mails, or another's", len(mails))
				}
			})
		}
	}
}

// TestForeignHostIsRefused: a name of one tenant doesn't get in on the host of another, nor does a name of none, and
// neither is told from a wrong password; no backend hears of it.
func TestForeignHostIsRefused(t *testing.T) {
	t.Parallel()
	ts := startTenants(t)
	var alice [2]account
	for i, d := range ts.servers {
		alice[i] = d.mailbox(t, "alice@"+tenantDomain(i), threeMails())
	}
	refuse := func(i int, a account) string {
		t.Helper()
		answer := dial(t, ts.at(i, ts.implicit)).login(a)
		if !strings.HasPrefix(answer, "-ERR [AUTH]") {
			t.Errorf("%s at %s: %q, want -ERR [AUTH]", a.user, tenantHost(i), answer)
		}
		return answer
	}
	foreign := refuse(1, alice[0])
	stranger := refuse(0, account{"alice@elsewhere.example", alice[0].password})
	if wrong := refuse(0, account{alice[0].user, newPassword()}); wrong != foreign || wrong != stranger {
		t.Errorf("refusals differ: %q, %q, %q", wrong, foreign, stranger)
	}
	if got := ts.servers[1].log.lines("user=<[^>]"); len(got) != 0 {
		t.Errorf("the other tenant's backend heard of it: %q", got)
	}
}
