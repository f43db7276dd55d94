package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"popgate/internal/admin"
	"popgate/internal/poptest"
	"popgate/internal/poptest/acmetest"
)

// TestCertRenewRunning: the running popgate orders, whether or not that is due,
// and the new certificate is shown.
func TestCertRenewRunning(t *testing.T) {
	s := newCertSite(t, acmetest.Options{}, certHost, "mail.example.com")
	log, _ := s.serve(t)
	log.wait(t, nil, 2, `certificate issued`)
	r := s.run(t, "renew", "POP.example.com.")
	r.wantCode(t, exitOK, certHost, "acme", "valid")
	if r.err != "" || strings.Contains(r.out, "mail.example.com") {
		t.Errorf("it says %q, %q", r.out, r.err)
	}
	r = s.run(t, "renew", "--json", certHost)
	r.wantCode(t, exitOK)
	var renewed renewedCertificate
	if err := json.Unmarshal([]byte(r.out), &renewed); err != nil {
		t.Fatal(err)
	}
	if c := renewed.Certificate; !renewed.Running || c.Name != certHost || c.State != admin.StateValid || c.LastSuccess == nil {
		t.Errorf("it says %+v", renewed)
	}
	if n, others := s.ca.Orders(certHost), s.ca.Orders("mail.example.com"); n != 3 || others != 1 {
		t.Errorf("%d orders for it and %d for the other, want 3 and 1", n, others)
	}
}

// TestCertRenewUnknown: the hosts that there are, and the one that was meant; no
// order. It is the same with and without a running popgate.
func TestCertRenewUnknown(t *testing.T) {
	s := newCertSite(t, acmetest.Options{}, certHost, "mail.example.com")
	poptest.NewCA(t).WriteFiles(t, s.dir, "pop.example.net", "*.files.example")
	s.more = certificateBlock("old", "pop.example.net")
	s.hosts = append(s.hosts, "pop.example.net", "a.files.example")
	s.write(t)
	look := func() {
		t.Helper()
		s.run(t, "renew", "pop.exampl.com").wantCode(t, exitFailed,
			`no certificate is ordered for "pop.exampl.com" (did you mean "pop.example.com"?), but for mail.example.com, pop.example.com`)
		for _, host := range []string{"pop.example.net", "a.files.example"} {
			s.run(t, "renew", host).wantCode(t, exitFailed, "the certificate of "+host+` comes from files, those of certificate "old"`)
		}
		r := s.run(t, "renew", "b/../c\x1b[2J")
		r.wantCode(t, exitFailed)
		if strings.Contains(r.err, "\x1b") {
			t.Errorf("it says %q", r.err)
		}
	}
	log, stop := s.serve(t)
	log.wait(t, nil, 2, `certificate issued`)
	look()
	stop()
	look()
	if n := s.ca.Orders(""); n != 2 {
		t.Errorf("%d orders, want those of the start", n)
	}
}

// TestCertRenewNoACME: where nothing is ordered, that is said.
func TestCertRenewNoACME(t *testing.T) {
	s := newSite(t)
	runHere(t, "cert", "renew", siteName, "--config", s.config).wantCode(t, exitFailed, "comes from files", `"main"`)
	runHere(t, "cert", "renew", "x.example.com", "--config", s.config).wantCode(t, exitFailed, `for "x.example.com", nor for any other host`)
}

// TestCertRenewRefused: the CA's own words, what to do next, and exit code 1,
// with and without a running popgate.
func TestCertRenewRefused(t *testing.T) {
	for _, test := range []struct {
		fault *acmetest.Fault
		stage string
		says  []string
	}{
		{&acmetest.Fault{Problem: "caa", Detail: "CAA record for example.com prevents issuance"}, "order",
			[]string{"the order failed: caa: CAA record for example.com prevents issuance", "next: let the CAA record"}},
		{&acmetest.Fault{Problem: "rejectedIdentifier", Detail: "policy\x1b[2J"}, "order",
			[]string{"rejectedIdentifier: policy\uFFFD[2J", "next: this CA issues nothing for " + certHost}},
		{&acmetest.Fault{Status: 502, Detail: "bad gateway"}, "order",
			[]string{"network: ", "502 Bad Gateway", "next: this machine must reach"}},
	} {
		t.Run(test.says[0], func(t *testing.T) {
			s := newCertSite(t, acmetest.Options{}, certHost)
			log, stop := s.serve(t)
			log.wait(t, nil, 1, `certificate issued`)
			s.ca.SetFault(func(stage, _ string, _ *http.Request) *acmetest.Fault {
				if stage == test.stage {
					return test.fault
				}
				return nil
			})
			s.run(t, "renew", certHost).wantCode(t, exitFailed, test.says...)
			stop()
			s.run(t, "renew", certHost).wantCode(t, exitFailed, test.says...)
			list, _ := s.listJSON(t)
			if c := list.Certificates[0]; c.LastError == nil || c.State != admin.StateValid {
				t.Errorf("afterwards the cache has %+v", c)
			}
		})
	}
}

// TestCertRenewPaused: what a CA has asked for is heeded, by the command, too.
func TestCertRenewPaused(t *testing.T) {
	s := newCertSite(t, acmetest.Options{}, certHost)
	log, stop := s.serve(t)
	log.wait(t, nil, 1, `certificate issued`)
	s.ca.SetFault(func(stage, _ string, _ *http.Request) *acmetest.Fault {
		if stage == "order" {
			return &acmetest.Fault{Problem: "rateLimited", Detail: "too many", Header: http.Header{"Retry-After": {"7200"}}}
		}
		return nil
	})
	s.run(t, "renew", certHost).wantCode(t, exitFailed, "rateLimited: too many", "next: wait")
	s.ca.SetFault(nil)
	s.run(t, "renew", certHost).wantCode(t, exitFailed, "asked to wait until 20", "next: wait")
	stop()
	s.run(t, "renew", certHost).wantCode(t, exitFailed, "wait until 20", "next: wait")
	if n := s.ca.Orders(""); n != 1 {
		t.Errorf("%d orders, want 1", n)
	}
}

// heldValidation is a CA that looks at a host when it is let.
type heldValidation struct {
	asked chan struct{} // one for each look
	let   chan struct{}
	gone  chan struct{} // one for each look that popgate didn't wait for
}

func holdValidation() *heldValidation {
	return &heldValidation{asked: make(chan struct{}, 9), let: make(chan struct{}), gone: make(chan struct{}, 9)}
}

func (h *heldValidation) validate(ctx context.Context, _, _, _, _ string) error {
	h.asked <- struct{}{}
	select {
	case <-ctx.Done():
		h.gone <- struct{}{}
		return ctx.Err()
	case <-h.let:
		return nil
	}
}

// TestCertRenewStopWaiting: Ctrl-C ends the command, which says that the order
// goes on; and so it does.
func TestCertRenewStopWaiting(t *testing.T) {
	held := holdValidation()
	s := newCertSite(t, acmetest.Options{Validate: held.validate}, certHost)
	log, _ := s.serve(t)
	<-held.asked
	held.let <- struct{}{}
	log.wait(t, nil, 1, `certificate issued`)

	p := popgate(t, nil, "cert", "renew", certHost, "--config", s.config)
	<-held.asked
	p.signal(t, os.Interrupt)
	p.exit(t, exitFailed)
	insistOn(t, "standard error", p.err.String(), `^popgate: stopped waiting: the order for pop\.example\.com goes on, and popgate cert list .*\n$`)
	held.let <- struct{}{}
	log.wait(t, nil, 1, `certificate renewed`)
}
