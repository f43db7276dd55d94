package main

import (
	"context"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"popgate/internal/admin"
	"popgate/internal/config"
	"popgate/internal/poptest/acmetest"
	"popgate/tlsconf"
)

// TestCertRenewAlone: without a popgate the command answers the CA itself, by
// either type of challenge, orders for the one host only, and leaves the
// certificate in the cache: who starts then orders nothing for it.
func TestCertRenewAlone(t *testing.T) {
	for _, test := range []struct {
		name        string
		http, https bool
		kind        string
	}{
		{"http", true, false, tlsconf.HTTP01},
		{"https", false, true, tlsconf.TLSALPN01},
		{"both", true, true, tlsconf.HTTP01},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newCertSite(t, acmetest.Options{}, certHost, "mail.example.com")
			if !test.http {
				s.http = ""
			}
			if !test.https {
				s.https = ""
			}
			s.write(t)
			r := s.run(t, "renew", certHost)
			r.wantCode(t, exitOK, certHost, "valid", "no popgate is running that answers on "+s.socket)
			if n, failed := s.ca.Validated(test.kind), s.ca.FailedValidations(); n != 1 || failed != 0 {
				t.Errorf("%d validations, %d failed", n, failed)
			}
			if n := s.ca.Orders("mail.example.com"); n != 0 {
				t.Errorf("%d orders for another host", n)
			}
			list, _ := s.listJSON(t)
			if c := list.Certificates[1]; c.Name != certHost || c.State != admin.StateValid || !c.NotAfter.Equal(s.ca.Issued()[0].NotAfter) {
				t.Errorf("the cache has %+v", c)
			}
			log, stop := s.serve(t)
			log.wait(t, nil, 1, `certificate issued: host=mail`)
			stop()
			if n := s.ca.Orders(certHost); n != 1 {
				t.Errorf("%d orders for it, want 1", n)
			}
		})
	}
}

// TestCertRenewAloneAgain: it orders whether or not that is due, with a new
// private key and the same account.
func TestCertRenewAloneAgain(t *testing.T) {
	s := newCertSite(t, acmetest.Options{}, certHost)
	s.run(t, "renew", certHost).wantCode(t, exitOK)
	first := keyLines(t, s.cache(t))
	s.run(t, "renew", certHost, "--json").wantCode(t, exitOK, `"running": false`)
	second := keyLines(t, s.cache(t))
	if s.ca.Orders("") != 2 || s.ca.Accounts() != 1 {
		t.Errorf("%d orders, %d accounts, want 2 and 1", s.ca.Orders(""), s.ca.Accounts())
	}
	// The account's key comes first.
	if len(first) < 4 || len(first) != len(second) || first[0] != second[0] || first[len(first)-1] == second[len(second)-1] {
		t.Error("the keys in the cache are not the old account's and a new one")
	}
}

// TestCertRenewAloneTakenPort: an address that somebody else has is a failure,
// before anything is ordered.
func TestCertRenewAloneTakenPort(t *testing.T) {
	s := newCertSite(t, acmetest.Options{}, certHost)
	l, err := net.Listen("tcp", s.http)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s.run(t, "renew", certHost).wantCode(t, exitFailed, "http_address: listen tcp "+s.http, "another program has it")
	if n := s.ca.Requests(""); n != 0 {
		t.Errorf("%d requests to the CA", n)
	}
}

// TestGates: a default that can't be opened is done without as long as the other
// can be; what was written must be there.
func TestGates(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken, free := l.Addr().String(), "127.0.0.1:0"
	for _, test := range []struct {
		name        string
		http, https config.Challenge
		kinds       string
		fails       string // in the problem
		warns       string
	}{
		{"both", config.Challenge{Address: free}, config.Challenge{Address: free}, "http-01 tls-alpn-01", "", ""},
		{"one", config.Challenge{}, config.Challenge{Address: free}, "tls-alpn-01", "", ""},
		{"default taken", config.Challenge{Address: taken}, config.Challenge{Address: free, Written: true}, "tls-alpn-01", "", "doing without http-01"},
		{"written taken", config.Challenge{Address: free}, config.Challenge{Address: taken, Written: true}, "http-01", "https_address", ""},
		{"default taken alone", config.Challenge{Address: taken}, config.Challenge{}, "", "http_address", ""},
		{"both defaults taken", config.Challenge{Address: taken}, config.Challenge{Address: taken}, "", "https_address", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			all := gatesOf(&config.ACME{HTTP: test.http, HTTPS: test.https})
			all.open(t.Context())
			defer all.close()
			if kinds := strings.Join(all.kinds(), " "); kinds != test.kinds {
				t.Errorf("kinds %q, want %q", kinds, test.kinds)
			}
			err := all.problem()
			if (err != nil) != (test.fails != "") || err != nil && !strings.Contains(err.Error(), test.fails) {
				t.Errorf("problem %v, want one of %q", err, test.fails)
			}
			var warned strings.Builder
			all.warn(&warned)
			if test.fails == "" {
				insistOn(t, "the warning", warned.String(), test.warns)
			}
		})
	}
}

// TestCertRenewAloneStopped: Ctrl-C calls the order off, closes the ports, and
// says so.
func TestCertRenewAloneStopped(t *testing.T) {
	held := holdValidation()
	s := newCertSite(t, acmetest.Options{Validate: held.validate}, certHost)
	p := popgate(t, nil, "cert", "renew", certHost, "--config", s.config)
	<-held.asked
	p.signal(t, os.Interrupt)
	p.exit(t, exitFailed)
	insistOn(t, "standard error", p.err.String(), `(?m)^popgate: stopped: the order for pop\.example\.com was called off$`)
	if len(s.ca.Issued()) != 0 {
		t.Error("a certificate was issued")
	}
}

// TestCertRenewAloneCallsOff: when the command has ended, its order has, too.
func TestCertRenewAloneCallsOff(t *testing.T) {
	held := holdValidation()
	s := newCertSite(t, acmetest.Options{Validate: held.validate}, certHost)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"cert", "renew", certHost, "--config", s.config}, streams{in: eof{}, out: newOutput(), err: newOutput()})
	}()
	<-held.asked
	cancel()
	if got := <-code; got != exitFailed {
		t.Errorf("exit code %d", got)
	}
	select {
	case <-held.gone:
	case <-time.After(patience):
		t.Fatal("the order goes on")
	}
}

// TestCertRenewAloneClosesPorts: whatever comes of the order, the ports are free
// when the command ends; TestMain looks for goroutines.
func TestCertRenewAloneClosesPorts(t *testing.T) {
	s := newCertSite(t, acmetest.Options{Validate: refuse("connection", "timeout")}, certHost)
	s.run(t, "renew", certHost).wantCode(t, exitFailed, "connection: timeout", "next: port 80 or 443 of "+certHost, "letsencrypt-staging")
	for _, address := range []string{s.http, s.https} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Error(err)
			continue
		}
		_ = l.Close()
	}
}

// TestCertRenewAloneLosesNothing: an issued certificate that the cache can't
// take is no success.
func TestCertRenewAloneLosesNothing(t *testing.T) {
	s := newCertSite(t, acmetest.Options{Validate: func(context.Context, string, string, string, string) error { return nil }}, certHost)
	s.run(t, "renew", certHost).wantCode(t, exitOK)
	folder := s.cache(t)
	s.ca.SetFault(func(stage, _ string, _ *http.Request) *acmetest.Fault {
		if stage == "certificate" {
			// The disk goes away at the worst moment.
			_ = os.RemoveAll(folder)
			_ = os.WriteFile(folder, nil, 0o600)
		}
		return nil
	})
	s.run(t, "renew", certHost).wantCode(t, exitFailed, "the CA has issued the certificate of "+certHost, "can't be kept", folder)
}

// TestCertRenewAloneBadCache: a cache that can't take a certificate is seen
// before something is ordered.
func TestCertRenewAloneBadCache(t *testing.T) {
	s := newCertSite(t, acmetest.Options{}, certHost)
	if err := os.WriteFile(s.dir+"/cache", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.run(t, "renew", certHost).wantCode(t, exitFailed, "certificate cache: ", "not a directory")
	if n := s.ca.Requests(""); n != 0 {
		t.Errorf("%d requests to the CA", n)
	}
}
