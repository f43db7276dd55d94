package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// TestFirstCertificateCostsNoFailure: with either challenge alone, and with both, the first order leads to a
// certificate, no validation fails, and mail is read under it; by ALPN "pop3" on the port of TLS-ALPN-01 as well.
func TestFirstCertificateCostsNoFailure(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ http, https bool }{
		"HTTP-01":     {http: true},
		"TLS-ALPN-01": {https: true},
		"both":        {http: true, https: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ca := startPebble(t, pebbleOptions{strict: true})
			s := newSite(t, ca, acmeHost)
			s.http, s.https = test.http, test.https
			s.start(t)
			s.obtains(t, acmeHost)
			got, want := ca.record(), record{accounts: 1, orders: 1, certificates: 1, valid: 1}
			if got.http+got.alpn != 1 || got.http == 1 && !test.http || got.alpn == 1 && !test.https {
				t.Errorf("%d validations by HTTP-01, %d by TLS-ALPN-01", got.http, got.alpn)
			}
			got.http, got.alpn = 0, 0
			if got != want {
				t.Errorf("Pebble did %+v\n       want %+v", got, want)
			}
			s.reads(t, s.at(acmeHost, s.port))
			if test.https {
				s.reads(t, s.at(acmeHost, ca.https))
			}
			if got := len(s.log.lines(logOrdered)); got != 1 {
				t.Errorf("%d orders in the log, want 1", got)
			}
		})
	}
}

// TestExternalAccount: a CA that wants external account binding says so in the log; with its key all goes well, after
// a restart too, and the key is in no log.
func TestExternalAccount(t *testing.T) {
	t.Parallel()
	id, key := newAccountKey()
	ca := startPebble(t, pebbleOptions{accountKeys: map[string]string{id: key}})

	without := newSite(t, ca, acmeHost)
	without.start(t)
	if line := without.log.wait(t, 1, about(logFailed, acmeHost))[0]; !strings.Contains(line, "externalAccountRequired") {
		t.Errorf("the CA's reason isn't in %q", line)
	}
	without.end(t)
	ca.did(t, record{})

	s := newSite(t, ca, acmeHost)
	s.acme = fmt.Sprintf("eab {\n key_id = %q\n hmac_key = env(\"POPGATE_E2E_HMAC\")\n }", id)
	s.env = []string{"POPGATE_E2E_HMAC=" + key}
	s.start(t)
	s.obtains(t, acmeHost)
	s.reads(t, s.at(acmeHost, s.port))
	log := s.log.text()
	s.end(t)
	s.start(t)
	s.renew(t, acmeHost)
	s.reads(t, s.at(acmeHost, s.port))
	got := ca.record()
	if got.accounts != 1 || got.orders != 2 || got.failed != 0 {
		t.Errorf("Pebble did %+v, want one account with two orders", got)
	}
	if strings.Contains(log+s.log.text(), key) {
		t.Error("the account's key is in the log")
	}
}

// TestRefusedNoncesAreTriedAgain: a CA that refuses every second nonce still gives a certificate by one order.
func TestRefusedNoncesAreTriedAgain(t *testing.T) {
	t.Parallel()
	ca := startPebble(t, pebbleOptions{badNonces: 50})
	s := newSite(t, ca, acmeHost)
	s.start(t)
	s.obtains(t, acmeHost)
	s.reads(t, s.at(acmeHost, s.port))
	s.ca.ordered(t, 1)
}
