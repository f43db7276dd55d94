package acmetest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// finalize is RFC 8555 §7.4: a certificate request for an order that is ready.
func (ca *CA) finalize(c *call) (*reply, error) {
	var wish struct{ CSR string }
	if err := json.Unmarshal(c.payload, &wish); err != nil {
		return nil, problem("malformed", "finalize: %v", err)
	}
	der, err := decode(wish.CSR)
	if err != nil {
		return nil, problem("malformed", "finalize: %v", err)
	}
	o, csr, err := ca.accept(c, der)
	if err != nil {
		return nil, err
	}
	// No lock: the test's function is called, and signing takes its time.
	leaf, chain, err := ca.issueFor(csr, o.names)

	ca.mu.Lock()
	defer ca.mu.Unlock()
	if err != nil {
		o.status = "invalid"
		return nil, err
	}
	o.chain, o.polls = chain, ca.opts.IssuePolls
	if o.polls == 0 {
		o.status = "valid"
	}
	ca.books.issued = append(ca.books.issued, leaf)
	return o.reply(c, http.StatusOK), nil
}

// accept finds c's order and puts it to work if csr fits it.
func (ca *CA) accept(c *call, der []byte) (*order, *x509.CertificateRequest, error) {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	o, err := ca.orderOf(c)
	if err != nil {
		return nil, nil, err
	}
	if o.status != "ready" {
		return nil, nil, problem("orderNotReady", "order is %s", o.status)
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, nil, problem("badCSR", "%v", err)
	}
	if err := checkRequest(csr, o); err != nil {
		return nil, nil, err
	}
	o.status = "processing"
	return o, csr, nil
}

// checkRequest holds a certificate request against the order.
func checkRequest(csr *x509.CertificateRequest, o *order) error {
	if err := csr.CheckSignature(); err != nil {
		return problem("badCSR", "%v", err)
	}
	var names []string
	for _, name := range append(slices.Clone(csr.DNSNames), csr.Subject.CommonName) {
		if name != "" {
			names = append(names, strings.ToLower(name))
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	// RFC 8555 §7.4: exactly the order's identifiers.
	if !slices.Equal(names, o.names) || len(csr.IPAddresses)+len(csr.EmailAddresses)+len(csr.URIs) > 0 {
		return problem("badCSR", "the request is for %q, the order for %q", names, o.names)
	}
	switch key := csr.PublicKey.(type) {
	case *ecdsa.PublicKey:
		if size := key.Params().BitSize; size != 256 && size != 384 {
			return problem("badPublicKey", "curve %s", key.Params().Name)
		}
	case *rsa.PublicKey:
		if key.N.BitLen() < 2048 {
			return problem("badPublicKey", "RSA key of %d bits", key.N.BitLen())
		}
	default:
		return problem("badPublicKey", "key of type %T", key)
	}
	// RFC 8555 §11.1: never the account's key.
	if o.account.key.is(csr.PublicKey) {
		return problem("badCSR", "the request has the account's key")
	}
	return nil
}

// issueFor signs what was ordered, or what the test makes of it.
func (ca *CA) issueFor(csr *x509.CertificateRequest, names []string) (*x509.Certificate, []byte, error) {
	ca.mu.Lock()
	change, wrongKey := ca.issue, ca.wrongKey
	ca.mu.Unlock()
	template := leafTemplate(slices.Clone(names), ca.opts.Lifetime)
	if change != nil {
		change(csr, template)
	}
	var key crypto.PublicKey = csr.PublicKey
	if wrongKey {
		other, err := newKey()
		if err != nil {
			return nil, nil, err
		}
		key = other.Public()
	}
	return ca.authority.issue(template, key)
}

// certificate is RFC 8555 §7.4.2: the leaf, then the intermediate.
func (ca *CA) certificate(c *call) (*reply, error) {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	o, err := ca.orderOf(c)
	if err != nil {
		return nil, err
	}
	if len(c.payload) > 0 {
		return nil, problem("malformed", "a certificate can only be read")
	}
	if o.status != "valid" {
		return nil, notFound("certificate yet")
	}
	rep := &reply{status: http.StatusOK, header: make(http.Header), body: o.chain}
	rep.header.Set("Content-Type", "application/pem-certificate-chain")
	return rep, nil
}
