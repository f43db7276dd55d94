package acmetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/acme"
)

// TestValidate: what Validate is asked is what the client would show.
func TestValidate(t *testing.T) {
	both(t, func(t *testing.T) {
		type question struct{ typ, host, token, keyAuth string }
		var asked []question
		var mu sync.Mutex
		ca := New(t, Options{Validate: func(ctx context.Context, typ, host, token, keyAuth string) error {
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, question{typ, host, token, keyAuth})
			return nil
		}})
		client := member(t, ca)
		for _, typ := range []string{"http-01", "tls-alpn-01", "dns-01"} {
			o := mustOrder(t, client, "pop.example.com")
			z, err := client.GetAuthorization(t.Context(), o.AuthzURLs[0])
			if err != nil {
				t.Fatal(err)
			}
			ch := pick(z, typ)
			if err := authorize(t.Context(), client, o, typ); err != nil {
				t.Fatal(err)
			}
			keyAuth, err := client.HTTP01ChallengeResponse(ch.Token)
			if err != nil {
				t.Fatal(err)
			}
			if want := (question{typ, "pop.example.com", ch.Token, keyAuth}); asked[len(asked)-1] != want {
				t.Errorf("asked %+v, not %+v", asked[len(asked)-1], want)
			}
			if _, err := client.Accept(t.Context(), ch); err != nil {
				t.Errorf("a second time: %v", err)
			}
			wantCount(t, "validated "+typ, ca.Validated(typ), 1)
		}
		wantCount(t, "questions", len(asked), 3)
	})
}

// TestValidationFails: authorization and order are lost, and the client learns
// why.
func TestValidationFails(t *testing.T) {
	for name, tt := range map[string]struct {
		failure error
		problem string
	}{
		"plain":   {errors.New("wrong answer"), "unauthorized"},
		"problem": {&Problem{Type: "dns", Detail: "wrong answer"}, "dns"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ca := New(t, Options{WaitPolls: 1, Validate: func(context.Context, string, string, string, string) error { return tt.failure }})
				client := member(t, ca)
				o := mustOrder(t, client, "pop.example.com", "www.example.com")
				err := authorize(t.Context(), client, o, "http-01")
				lost, ok := errors.AsType[*acme.AuthorizationError](err)
				if !ok || len(lost.Errors) != 1 {
					t.Fatalf("error is %v", err)
				}
				wantProblem(t, lost.Errors[0], tt.problem)
				wantIn(t, err.Error(), "wrong answer")
				_, err = client.WaitOrder(t.Context(), o.URI)
				if _, ok := errors.AsType[*acme.OrderError](err); !ok {
					t.Errorf("order: %v", err)
				}
				wantCount(t, "failed", ca.FailedValidations(), 1)
				wantCount(t, "validated", ca.Validated(""), 0)
				mustOrder(t, client, "pop.example.com") // and again from the beginning
			})
		})
	}
}

// TestValidateHeedsTheClient: a client that gives up takes Validate with it,
// and may try again.
func TestValidateHeedsTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := New(t, Options{Validate: func(ctx context.Context, _, _, _, _ string) error {
			return pause(ctx, time.Minute)
		}})
		client := member(t, ca)
		o := mustOrder(t, client, "pop.example.com")
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := authorize(short, client, o, "http-01"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error is %v", err)
		}
		wantCount(t, "failed", ca.FailedValidations(), 0)
		if err := authorize(t.Context(), client, o, "http-01"); err != nil {
			t.Error(err)
		}
	})
}

// TestLateClient: a client whose time is over hears nothing, even if Validate
// has gone on and found the challenge good.
func TestLateClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := New(t, Options{Validate: func(context.Context, string, string, string, string) error {
			return pause(context.Background(), time.Minute)
		}})
		client := member(t, ca)
		o := mustOrder(t, client, "pop.example.com")
		z, err := client.GetAuthorization(t.Context(), o.AuthzURLs[0])
		if err != nil {
			t.Fatal(err)
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := client.Accept(short, z.Challenges[0]); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error is %v", err)
		}
		if z, err := client.GetAuthorization(t.Context(), z.URI); err != nil || z.Status != acme.StatusValid {
			t.Errorf("authorization is %v, %v", z, err)
		}
	})
}

// TestEachName: an order is ready when all of its names are authorized.
func TestEachName(t *testing.T) {
	client := member(t, New(t, Options{}))
	o := mustOrder(t, client, "pop.example.com", "mail.example.com")
	for i, want := range []string{acme.StatusPending, acme.StatusReady} {
		one := &acme.Order{AuthzURLs: o.AuthzURLs[i : i+1]}
		if err := authorize(t.Context(), client, one, "http-01"); err != nil {
			t.Fatal(err)
		}
		if now, err := client.GetOrder(t.Context(), o.URI); err != nil || now.Status != want {
			t.Errorf("order is %v, %v, not %s", now, err, want)
		}
	}
}

// TestNoReuse: an authorization counts for its own order only.
func TestNoReuse(t *testing.T) {
	ca := New(t, Options{})
	client := member(t, ca)
	if _, err := obtain(t, client, mustKey(t), "pop.example.com"); err != nil {
		t.Fatal(err)
	}
	first, second := mustOrder(t, client, "pop.example.com"), mustOrder(t, client, "pop.example.com")
	if slices.Equal(first.AuthzURLs, second.AuthzURLs) {
		t.Error("two orders share their authorizations")
	}
}

// TestDeactivate: a deactivated authorization ends its order.
func TestDeactivate(t *testing.T) {
	ca := New(t, Options{})
	client := member(t, ca)
	for _, valid := range []bool{false, true} {
		o := mustOrder(t, client, "pop.example.com")
		if valid {
			if err := authorize(t.Context(), client, o, "http-01"); err != nil {
				t.Fatal(err)
			}
		}
		if err := client.RevokeAuthorization(t.Context(), o.AuthzURLs[0]); err != nil {
			t.Error(err)
		}
		z, err := client.GetAuthorization(t.Context(), o.AuthzURLs[0])
		if err != nil || z.Status != acme.StatusDeactivated {
			t.Errorf("authorization is %v, %v", z, err)
		}
		if now, err := client.GetOrder(t.Context(), o.URI); err != nil || now.Status != acme.StatusInvalid {
			t.Errorf("order is %v, %v", now, err)
		}
		wantProblem(t, client.RevokeAuthorization(t.Context(), o.AuthzURLs[0]), "malformed")
	}
}

// TestOffers: which challenges there are, and a wildcard's.
func TestOffers(t *testing.T) {
	client := member(t, New(t, Options{Challenges: []string{"tls-alpn-01"}}))
	for name, want := range map[string]string{"pop.example.com": "tls-alpn-01", "*.example.com": "dns-01"} {
		o := mustOrder(t, client, name)
		z, err := client.GetAuthorization(t.Context(), o.AuthzURLs[0])
		if err != nil || len(z.Challenges) != 1 || z.Challenges[0].Type != want {
			t.Errorf("%s: %+v, %v", name, z, err)
		}
		if wildcard := name[0] == '*'; z.Wildcard != wildcard {
			t.Errorf("%s: wildcard is %v", name, z.Wildcard)
		}
	}
}
