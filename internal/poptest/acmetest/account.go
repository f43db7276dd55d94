package acmetest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"strings"
)

// account is RFC 8555 §7.1.2. CA.mu guards status and contact.
type account struct {
	id      string
	key     *jwk
	status  string
	contact []string
}

// errDeactivated has a status of its own (RFC 8555 §7.3.6).
var errDeactivated = &Problem{Status: http.StatusUnauthorized, Type: "unauthorized", Detail: "account is deactivated"}

func (a *account) reply(c *call, status int) *reply {
	rep := jsonReply(status, map[string]any{"status": a.status, "contact": a.contact})
	rep.header.Set("Location", c.url("account", a.id))
	return rep
}

func (ca *CA) deactivated(a *account) bool {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	return a.status != "valid"
}

// newAccount is RFC 8555 §7.3: makes an account, or finds the one of this key.
func (ca *CA) newAccount(c *call) (*reply, error) {
	var wish struct {
		Contact                []string
		TermsOfServiceAgreed   bool
		OnlyReturnExisting     bool
		ExternalAccountBinding json.RawMessage
	}
	if err := json.Unmarshal(c.payload, &wish); err != nil {
		return nil, problem("malformed", "newAccount: %v", err)
	}
	ca.mu.Lock()
	defer ca.mu.Unlock()
	for _, a := range ca.accounts {
		if a.key.thumbprint != c.jwk.thumbprint {
			continue
		}
		if a.status != "valid" {
			return nil, errDeactivated
		}
		return a.reply(c, http.StatusOK), nil
	}
	if wish.OnlyReturnExisting {
		return nil, problem("accountDoesNotExist", "no account has this key")
	}
	if !wish.TermsOfServiceAgreed {
		return nil, problem("userActionRequired", "the terms of service must be agreed to")
	}
	if err := checkContact(wish.Contact); err != nil {
		return nil, err
	}
	if err := ca.checkBinding(c, wish.ExternalAccountBinding); err != nil {
		return nil, err
	}
	a := &account{id: ca.newID(), key: c.jwk, status: "valid", contact: wish.Contact}
	ca.accounts[a.id] = a
	return a.reply(c, http.StatusCreated), nil
}

// checkContact: nobody reads these, but they must be mail addresses.
func checkContact(contact []string) error {
	for _, url := range contact {
		address, mail := strings.CutPrefix(url, "mailto:")
		if !mail {
			return problem("unsupportedContact", "contact %q is no mailto URL", url)
		}
		if name, domain, at := strings.Cut(address, "@"); !at || name == "" || domain == "" {
			return problem("invalidContact", "contact %q is no mail address", url)
		}
	}
	return nil
}

// checkBinding is RFC 8555 §7.3.4: the account's key, signed with the HMAC key
// that the CA gave out.
func (ca *CA) checkBinding(c *call, binding json.RawMessage) error {
	if len(ca.opts.RequireEAB) == 0 {
		return nil
	}
	if len(binding) == 0 {
		return problem("externalAccountRequired", "newAccount needs an external account binding")
	}
	s, header, payload, err := parseJWS(binding)
	if err != nil {
		return err
	}
	if header.Alg != "HS256" || header.Nonce != "" || header.URL != c.base+"/new-account" {
		return problem("malformed", "external account binding: alg, nonce or url is wrong")
	}
	key, known := ca.opts.RequireEAB[header.KID]
	if !known {
		return problem("unauthorized", "external account binding: no key %q", header.KID)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(s.signed())
	signature, err := decode(s.Signature)
	if err != nil || !hmac.Equal(signature, mac.Sum(nil)) {
		return problem("unauthorized", "external account binding: signature is wrong")
	}
	bound, err := parseJWK(payload)
	if err != nil {
		return err
	}
	if bound.thumbprint != c.jwk.thumbprint {
		return problem("malformed", "external account binding: of another account key")
	}
	return nil
}

// updateAccount is RFC 8555 §7.3.2 and §7.3.6: contacts, deactivation.
func (ca *CA) updateAccount(c *call) (*reply, error) {
	if c.id != c.account.id {
		return nil, problem("unauthorized", "another one's account")
	}
	var wish struct {
		Contact *[]string
		Status  string
	}
	if len(c.payload) > 0 {
		if err := json.Unmarshal(c.payload, &wish); err != nil {
			return nil, problem("malformed", "account: %v", err)
		}
	}
	ca.mu.Lock()
	defer ca.mu.Unlock()
	if wish.Contact != nil {
		if err := checkContact(*wish.Contact); err != nil {
			return nil, err
		}
		c.account.contact = *wish.Contact
	}
	if wish.Status == "deactivated" {
		c.account.status = wish.Status
	}
	return c.account.reply(c, http.StatusOK), nil
}
