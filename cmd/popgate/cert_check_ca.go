package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"popgate/tlsconf"
)

// directoryJSON is what is of interest in a CA's directory (RFC 8555 §7.1.1).
type directoryJSON struct {
	NewNonce   string `json:"newNonce"`
	NewAccount string `json:"newAccount"`
	NewOrder   string `json:"newOrder"`
	Meta       struct {
		ExternalAccountRequired bool `json:"externalAccountRequired"`
	} `json:"meta"`
}

// The limits of a request for a directory.
const (
	directoryTime = 30 * time.Second
	maxDirectory  = 1 << 20 // octets
)

// checkCA asks for the CA's directory, once, and tells what comes of it.
func (k *checker) checkCA(ctx context.Context) []finding {
	acme := k.cfg.TLS.ACME
	f := finding{Check: checkDirectory, Status: statusFail}
	transport := k.transport
	if transport == nil {
		roots, err := readRoots(acme.CAFile)
		if err != nil {
			f.Detail, f.Hint = oneLine(err.Error(), maxDetail), "popgate doesn't start like that"
			return []finding{f}
		}
		own := tlsconf.NewTransport(roots)
		defer own.CloseIdleConnections()
		transport = own
	}
	ctx, cancel := context.WithTimeout(ctx, directoryTime)
	defer cancel()
	answer, body, err := fetch(ctx, transport, acme.Directory)
	if err != nil {
		f.Detail = oneLine(fmt.Sprintf("%s: %v", acme.Directory, err), maxDetail)
		f.Hint = k.mendDirectory(err)
		return []finding{f}
	}
	return k.judgeDirectory(answer, body)
}

// fetch gets a page, and follows nothing.
func fetch(ctx context.Context, transport http.RoundTripper, address string) (*http.Response, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, nil, err
	}
	r.Header.Set("User-Agent", "popgate")
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxDirectory))
	return answer, body, err
}

// judgeDirectory tells what a directory's answer means.
func (k *checker) judgeDirectory(answer *http.Response, body []byte) []finding {
	acme := k.cfg.TLS.ACME
	f := finding{Check: checkDirectory, Status: statusFail, Hint: "check directory in the acme block, and what stands between"}
	var d directoryJSON
	err := json.Unmarshal(body, &d)
	switch {
	case answer.StatusCode != http.StatusOK:
		f.Detail = fmt.Sprintf("%s: status %s, %s", acme.Directory, oneLine(answer.Status, maxSeen), quotedBody(body))
	case err != nil || d.NewNonce == "" || d.NewAccount == "" || d.NewOrder == "":
		f.Detail = fmt.Sprintf("%s is no ACME directory, but says %s", acme.Directory, quotedBody(body))
	default:
		f.Status, f.Hint, f.Detail = statusOK, "", acme.Directory+" is an ACME directory"
		if acme.Directory == tlsconf.LetsEncryptStaging {
			f.Detail += " for trials, whose certificates no client trusts"
		}
	}
	found := []finding{f, k.checkClock(answer.Header.Get("Date"))}
	if d.Meta.ExternalAccountRequired {
		found = append(found, checkBinding(acme.EAB != nil))
	}
	return found
}

// checkBinding is about an external account binding that the CA requires.
func checkBinding(have bool) finding {
	f := finding{Check: checkEAB, Status: statusOK, Detail: "the CA wants accounts bound to one of its own, and there is an eab block"}
	if !have {
		f.Status, f.Detail = statusFail, "the CA wants accounts bound to one of its own (external account binding)"
		f.Hint = "get a key from the CA and add it to the acme block: eab { key_id, hmac_key }"
	}
	return f
}

// How far this machine's clock may be from the CA's.
const (
	warnSkew = 5 * time.Minute
	failSkew = time.Hour
)

// checkClock compares this machine's clock with an answer that has just come.
func (k *checker) checkClock(header string) finding {
	f := finding{Check: checkClock, Status: statusOK}
	date, err := http.ParseTime(header)
	if err != nil {
		f.Status, f.Detail = statusWarn, "the CA's answer has no date to compare with"
		f.Hint = "compare this machine's clock with another one"
		return f
	}
	skew := k.now().Sub(date).Round(time.Second)
	side := "ahead of"
	if skew < 0 {
		skew, side = -skew, "behind"
	}
	f.Detail = fmt.Sprintf("this machine's clock is %v %s the CA's", skew, side)
	switch {
	case skew > failSkew:
		f.Status = statusFail
	case skew > warnSkew:
		f.Status = statusWarn
	}
	if f.Status != statusOK {
		f.Hint = "set the clock, by NTP for good: with a wrong one valid certificates look expired, or not valid yet"
	}
	return f
}

// mendDirectory says what to do about a directory that can't be had.
func (k *checker) mendDirectory(err error) string {
	unknown, isUnknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, isName := errors.AsType[x509.HostnameError](err)
	invalid, isInvalid := errors.AsType[x509.CertificateInvalidError](err)
	_, isPlain := errors.AsType[tls.RecordHeaderError](err)
	_, isLookup := errors.AsType[*net.DNSError](err)
	switch {
	case isUnknown && k.cfg.TLS.ACME.CAFile == "":
		return fmt.Sprintf("%s isn't trusted here: name a private CA's own certificate in ca_file, or install ca-certificates", signedBy(unknown.Cert))
	case isUnknown:
		return fmt.Sprintf("%s isn't trusted here: ca_file must hold the CA that signed the directory's HTTPS certificate", signedBy(unknown.Cert))
	case isName:
		return "the certificate there is for another name: check the host in directory"
	case isInvalid && invalid.Reason == x509.Expired:
		return "the certificate there is not valid now: check this machine's clock, then the CA's"
	case isPlain:
		return "what answers there doesn't speak TLS: check the port in directory"
	case isLookup:
		return "check the host in directory, and this machine's DNS"
	}
	return "let this machine connect there: firewall, routes, HTTPS_PROXY"
}

// signedBy names who has signed a certificate.
func signedBy(cert *x509.Certificate) string {
	if cert == nil {
		return "who signed the certificate there"
	}
	return fmt.Sprintf("%.80q, who signed the certificate there,", cert.Issuer.String())
}

// maxSeen bounds what is shown of a stranger's answer, in characters.
const maxSeen = 80

// quotedBody is the beginning of a stranger's answer.
func quotedBody(body []byte) string {
	if len(body) == 0 {
		return "with nothing in it"
	}
	return fmt.Sprintf("%.*q", maxSeen, body)
}

// bare is an error of HTTP without the request that everybody knows.
func bare(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}
