package acmetest

import (
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"testing"

	"golang.org/x/crypto/acme"
)

// TestAccount: one key is one account, until it is deactivated.
func TestAccount(t *testing.T) {
	both(t, func(t *testing.T) {
		ca := New(t, Options{})
		client := newClient(t, ca)
		if _, err := client.GetReg(t.Context(), ""); !errors.Is(err, acme.ErrNoAccount) {
			t.Errorf("before: %v", err)
		}
		_, err := client.Register(t.Context(), &acme.Account{}, func(string) bool { return false })
		wantProblem(t, err, "userActionRequired")
		first, err := client.Register(t.Context(), &acme.Account{Contact: []string{"mailto:a@example.com"}}, acme.AcceptTOS)
		if err != nil {
			t.Fatal(err)
		}
		again := newClient(t, ca)
		again.Key = client.Key
		if _, err := again.Register(t.Context(), &acme.Account{}, acme.AcceptTOS); !errors.Is(err, acme.ErrAccountAlreadyExists) {
			t.Errorf("again: %v", err)
		}
		if found, err := again.GetReg(t.Context(), ""); err != nil || found.URI != first.URI {
			t.Errorf("found %v, %v", found, err)
		}
		wantCount(t, "accounts", ca.Accounts(), 1)
		if _, err := client.UpdateReg(t.Context(), &acme.Account{Contact: []string{"mailto:b@example.com"}}); err != nil {
			t.Error(err)
		}
		if contacts := ca.Contacts(); len(contacts) != 1 || contacts[0] != "mailto:b@example.com" {
			t.Errorf("contacts %q", contacts)
		}
		if err := client.DeactivateReg(t.Context()); err != nil {
			t.Error(err)
		}
		_, err = client.AuthorizeOrder(t.Context(), acme.DomainIDs("pop.example.com"))
		wantProblem(t, err, "unauthorized")
		_, err = client.GetReg(t.Context(), "")
		wantProblem(t, err, "unauthorized")
	})
}

func TestContact(t *testing.T) {
	ca := New(t, Options{})
	for contact, problem := range map[string]string{
		"tel:+4930123": "unsupportedContact", "mailto:": "invalidContact", "mailto:a@": "invalidContact",
	} {
		_, err := newClient(t, ca).Register(t.Context(), &acme.Account{Contact: []string{contact}}, acme.AcceptTOS)
		wantProblem(t, err, problem)
	}
	wantCount(t, "accounts", ca.Accounts(), 0)
}

// TestExternalAccountBinding: only the right key under the right id gets an
// account.
func TestExternalAccountBinding(t *testing.T) {
	ca := New(t, Options{RequireEAB: map[string][]byte{"k1": []byte("first secret"), "k2": []byte("second secret")}})
	dir, err := newClient(t, ca).Discover(t.Context())
	if err != nil || !dir.ExternalAccountRequired || dir.Terms == "" {
		t.Errorf("directory %+v, %v", dir, err)
	}
	for name, tt := range map[string]struct {
		binding *acme.ExternalAccountBinding
		problem string
	}{
		"none":        {nil, "externalAccountRequired"},
		"unknown id":  {&acme.ExternalAccountBinding{KID: "k3", Key: []byte("first secret")}, "unauthorized"},
		"other's key": {&acme.ExternalAccountBinding{KID: "k2", Key: []byte("first secret")}, "unauthorized"},
		"good":        {&acme.ExternalAccountBinding{KID: "k2", Key: []byte("second secret")}, ""},
	} {
		client := newClient(t, ca)
		_, err := client.Register(t.Context(), &acme.Account{ExternalAccountBinding: tt.binding}, acme.AcceptTOS)
		if tt.problem != "" {
			wantProblem(t, err, tt.problem)
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	wantCount(t, "accounts", ca.Accounts(), 1)
}

// TestBindingByHand: a binding that no sane client makes.
func TestBindingByHand(t *testing.T) {
	ca := New(t, Options{RequireEAB: map[string][]byte{"k1": []byte("secret")}})
	const url = "https://ca.test/new-account"
	key := mustKey(t)
	for _, tt := range []struct {
		name, problem string
		header        map[string]any
		bound         *ecdsa.PrivateKey
	}{
		{"another account's key", "malformed", map[string]any{"alg": "HS256", "kid": "k1", "url": url}, mustKey(t)},
		{"another url", "malformed", map[string]any{"alg": "HS256", "kid": "k1", "url": url + "s"}, key},
		{"with a nonce", "malformed", map[string]any{"alg": "HS256", "kid": "k1", "url": url, "nonce": "abc"}, key},
		{"another alg", "malformed", map[string]any{"alg": "HS512", "kid": "k1", "url": url}, key},
		{"good", "", map[string]any{"alg": "HS256", "kid": "k1", "url": url}, key},
	} {
		t.Run(tt.name, func(t *testing.T) {
			header, err := json.Marshal(tt.header)
			if err != nil {
				t.Fatal(err)
			}
			binding := jws{Protected: encode(header), Payload: encode(jwkOf(t, tt.bound))}
			mac := hmac.New(sha256.New, []byte("secret"))
			mac.Write(binding.signed())
			binding.Signature = encode(mac.Sum(nil))
			payload, err := json.Marshal(map[string]any{"termsOfServiceAgreed": true, "externalAccountBinding": binding})
			if err != nil {
				t.Fatal(err)
			}
			l := letter{
				header:  map[string]any{"alg": "ES256", "jwk": jwkOf(t, key), "nonce": ca.nonce(), "url": url},
				url:     url,
				payload: string(payload),
				key:     key,
			}
			l.want(t, ca, tt.problem)
		})
	}
	wantCount(t, "accounts", ca.Accounts(), 1)
}

// TestForeignObjects: nobody sees or changes what another account has.
func TestForeignObjects(t *testing.T) {
	ca := New(t, Options{})
	owner, stranger := member(t, ca), member(t, ca)
	o := mustOrder(t, owner, "pop.example.com")
	z, err := owner.GetAuthorization(t.Context(), o.AuthzURLs[0])
	if err != nil {
		t.Fatal(err)
	}
	_, err = stranger.GetOrder(t.Context(), o.URI)
	wantProblem(t, err, "unauthorized")
	_, err = stranger.GetAuthorization(t.Context(), z.URI)
	wantProblem(t, err, "unauthorized")
	wantProblem(t, stranger.RevokeAuthorization(t.Context(), z.URI), "unauthorized")
	_, err = stranger.Accept(t.Context(), z.Challenges[0])
	wantProblem(t, err, "unauthorized")
	wantCount(t, "validated", ca.Validated(""), 0)
	_, _, err = stranger.CreateCertFromOrder(t.Context(), o, request(t, mustKey(t), "pop.example.com"), true)
	wantProblem(t, err, "unauthorized")
	stranger.KID, owner.KID = owner.KID, stranger.KID
	_, err = stranger.GetOrder(t.Context(), o.URI)
	wantProblem(t, err, "malformed") // the signature is not the owner's
	stranger.KID, owner.KID = owner.KID, stranger.KID
	url := string(owner.KID)
	l := letter{
		header:  map[string]any{"alg": "ES256", "kid": stranger.KID, "nonce": ca.nonce(), "url": url},
		url:     url,
		payload: `{"status":"deactivated"}`,
		key:     stranger.Key.(*ecdsa.PrivateKey),
	}
	l.want(t, ca, "unauthorized")
	// Another CA, or the same one after it lost its memory.
	_, err = owner.GetOrder(t.Context(), o.URI)
	if err != nil {
		t.Error(err)
	}
	owner.HTTPClient.Transport = New(t, Options{})
	_, err = owner.GetOrder(t.Context(), o.URI)
	wantProblem(t, err, "accountDoesNotExist")
}
