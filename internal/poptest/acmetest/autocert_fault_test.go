package acmetest

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestAutocertFaults: at whatever stage it fails, the handshake gets an error,
// and a minute later a certificate.
func TestAutocertFaults(t *testing.T) {
	for _, stage := range []string{"directory", "nonce", "account", "order", "authz", "finalize", "certificate"} {
		for name, fault := range map[string]*Fault{
			"transport": {Err: errors.New("connection cut")},
			"problem":   {Status: http.StatusForbidden, Problem: "unauthorized", Detail: "not you"},
			"hang":      {Hang: true},
			"busy":      {Status: http.StatusServiceUnavailable},
		} {
			t.Run(fmt.Sprintf("%s at %s", name, stage), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					m := newManager(t, Options{}, false)
					m.ca.SetFault(at(stage, fault))
					if _, err := m.GetCertificate(hello(host)); err == nil {
						t.Fatal("no error")
					}
					m.ca.SetFault(nil)
					time.Sleep(6 * time.Minute) // the detached goroutine, and the failed state's minute
					if _, err := m.GetCertificate(hello(host)); err != nil {
						t.Error(err)
					}
					synctest.Wait()
				})
			})
		}
	}
}

// TestDeactivatesPending: what autocert leaves pending it deactivates, from a
// goroutine of its own.
func TestDeactivatesPending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, Options{Challenges: []string{"dns-01"}}, false)
		if _, err := m.GetCertificate(hello(host)); err == nil {
			t.Fatal("no error")
		}
		synctest.Wait()
		m.ca.mu.Lock()
		defer m.ca.mu.Unlock()
		for _, z := range m.ca.authzs {
			if z.status != "deactivated" {
				t.Errorf("authorization is %s", z.status)
			}
		}
		wantCount(t, "authorizations", len(m.ca.authzs), 1)
	})
}

// TestManyHosts: hosts and faults at the same time, for the race detector.
func TestManyHosts(t *testing.T) {
	m := newManager(t, Options{}, false)
	bad := "bad.example.com"
	m.ca.SetFault(func(stage, host string, _ *http.Request) *Fault {
		if host == bad {
			return &Fault{Status: http.StatusForbidden, Problem: "rejectedIdentifier"}
		}
		return nil
	})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			name := fmt.Sprintf("h%d.example.com", i)
			if i == 0 {
				name = bad
			}
			_, err := m.GetCertificate(hello(name))
			if (err != nil) != (name == bad) {
				t.Errorf("%s: %v", name, err)
			}
			wantCount(t, name, m.ca.Orders(name), min(i, 1))
		})
	}
	wg.Wait()
	wantCount(t, "accounts", m.ca.Accounts(), 1)
	wantCount(t, "orders", m.ca.Orders(""), 7)
}
