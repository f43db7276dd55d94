package acmetest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/acme"
)

// at is a fault function for one stage.
func at(stage string, fault *Fault) func(string, string, *http.Request) *Fault {
	return func(now, _ string, _ *http.Request) *Fault {
		if now == stage {
			return fault
		}
		return nil
	}
}

// TestStages: each request of an order is at the stage that it is said to be,
// and belongs to the order's host.
func TestStages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := New(t, Options{IssuePolls: 1})
		client := newClient(t, ca)
		var mu sync.Mutex
		var seen []string
		ca.SetFault(func(stage, host string, req *http.Request) *Fault {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, strings.TrimSuffix(stage+" "+host, " "))
			if body, err := io.ReadAll(req.Body); err != nil || (len(body) > 0) != (req.Method == http.MethodPost) {
				t.Errorf("body of %d octets, %v", len(body), err)
			}
			return nil
		})
		if _, err := client.Register(t.Context(), &acme.Account{}, acme.AcceptTOS); err != nil {
			t.Fatal(err)
		}
		if _, err := obtain(t, client, mustKey(t), "pop.example.com"); err != nil {
			t.Fatal(err)
		}
		const host = " pop.example.com"
		want := []string{
			"directory", "nonce", "account", "order" + host, "authz" + host, "challenge" + host, "authz" + host,
			"order-poll" + host, "finalize" + host, "order-poll" + host, "order-poll" + host, "certificate" + host,
		}
		if got := strings.Join(seen, ", "); got != strings.Join(want, ", ") {
			t.Errorf("stages %s", got)
		}
		for _, stage := range want {
			stage, _, _ = strings.Cut(stage, " ")
			if ca.Requests(stage) == 0 {
				t.Errorf("no request at stage %s", stage)
			}
		}
		wantCount(t, "requests", ca.Requests(""), len(want))
	})
}

// TestFaults: what a client sees of each kind, at a newOrder.
func TestFaults(t *testing.T) {
	cut := errors.New("connection cut")
	for name, tt := range map[string]struct {
		fault Fault
		check func(t *testing.T, err error)
	}{
		"transport": {Fault{Err: cut}, func(t *testing.T, err error) {
			if !errors.Is(err, cut) {
				t.Error(err)
			}
		}},
		"problem": {
			Fault{Problem: "rateLimited", Detail: "too many certificates", Header: http.Header{"Retry-After": {"3600"}}},
			func(t *testing.T, err error) {
				wantProblem(t, err, "rateLimited")
				wantIn(t, err.Error(), "too many certificates")
				if wait, limited := acme.RateLimit(err); !limited || wait != time.Hour {
					t.Errorf("wait %s, %v", wait, limited)
				}
			},
		},
		"own URN": {Fault{Status: 400, Problem: "urn:example:odd"}, func(t *testing.T, err error) {
			if problem, ok := errors.AsType[*acme.Error](err); !ok || problem.ProblemType != "urn:example:odd" {
				t.Error(err)
			}
		}},
		"plain text": {Fault{Status: 503, Detail: "<h1>Busy</h1>"}, func(t *testing.T, err error) {
			if problem, ok := errors.AsType[*acme.Error](err); !ok || problem.StatusCode != 503 || problem.Detail != "<h1>Busy</h1>" {
				t.Error(err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, late := range []bool{false, true} {
				ca := New(t, Options{})
				client := member(t, ca)
				client.RetryBackoff = func(int, *http.Request, *http.Response) time.Duration { return 0 }
				fault := tt.fault
				fault.Late = late
				ca.SetFault(at("order", &fault))
				_, err := client.AuthorizeOrder(t.Context(), acme.DomainIDs("pop.example.com"))
				tt.check(t, err)
				accepted := 0
				if late {
					accepted = 1
				}
				wantCount(t, "orders", ca.Orders("pop.example.com"), accepted)
				wantCount(t, "requests", ca.Requests("order"), 1)
				ca.SetFault(nil)
				mustOrder(t, client, "pop.example.com")
			}
		})
	}
}

// TestFaultNonces: the CA's own problems carry a nonce, as RFC 8555 §6.5 wants
// it. What isn't the CA's doesn't, nor does a nonce that was refused.
func TestFaultNonces(t *testing.T) {
	ca := New(t, Options{})
	for _, tt := range []struct {
		path  string
		fault Fault
		nonce bool
	}{
		{"order/1", Fault{Problem: "rateLimited"}, true},
		{"order/1", Fault{Status: http.StatusBadGateway}, false},
		{"new-nonce", Fault{Problem: "rateLimited"}, false},
		{"new-nonce", Fault{}, true},
	} {
		ca.SetFault(func(string, string, *http.Request) *Fault { return &tt.fault })
		client := http.Client{Transport: ca}
		res, err := client.Head("https://ca.test/" + tt.path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if nonce := res.Header.Get("Replay-Nonce"); (nonce != "") != tt.nonce {
			t.Errorf("%s, %+v: nonce %q", tt.path, tt.fault, nonce)
		}
	}
}

// TestFaultHeader: a fault may only add to a good answer.
func TestFaultHeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := New(t, Options{WaitPolls: 1})
		client := member(t, ca)
		ca.SetFault(at("authz", &Fault{Header: http.Header{"Retry-After": {"600"}}}))
		start := time.Now()
		if _, err := obtain(t, client, mustKey(t), "pop.example.com"); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 10*time.Minute {
			t.Errorf("took %s", took)
		}
	})
}

// TestDown: a CA that is down is one that refuses connections, and it comes
// back with all that it knew.
func TestDown(t *testing.T) {
	both(t, func(t *testing.T) {
		ca := New(t, Options{})
		client := member(t, ca)
		o := mustOrder(t, client, "pop.example.com")
		before := ca.Requests("")
		ca.Down()
		for range 3 {
			if _, err := client.GetOrder(t.Context(), o.URI); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("error is %v", err)
			}
		}
		wantCount(t, "requests", ca.Requests(""), before+3) // a poll, then for a nonce
		ca.Up()
		if _, err := client.GetOrder(t.Context(), o.URI); err != nil {
			t.Error(err)
		}
	})
}

// TestTime: latency, delay and hanging take virtual time, and end with the
// context.
func TestTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := New(t, Options{Latency: 100 * time.Millisecond})
		start := time.Now()
		client := member(t, ca)
		if took := time.Since(start); took != 200*time.Millisecond {
			t.Errorf("took %s for directory and account; a nonce takes none", took)
		}
		start = time.Now()
		o := mustOrder(t, client, "pop.example.com")
		ca.SetFault(at("order-poll", &Fault{Delay: time.Minute}))
		if _, err := client.GetOrder(t.Context(), o.URI); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took != time.Minute+200*time.Millisecond {
			t.Errorf("took %s", took)
		}
		for _, fault := range []*Fault{{Hang: true}, {Delay: time.Hour}, {Late: true, Hang: true}} {
			ca.SetFault(at("order-poll", fault))
			start := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			if _, err := client.GetOrder(ctx, o.URI); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error is %v", err)
			}
			cancel()
			if took := time.Since(start); took != 10*time.Second {
				t.Errorf("took %s", took)
			}
		}
	})
}
