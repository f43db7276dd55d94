package autoconfig

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
)

// maxBody bounds the body of a request, in octets. One has some 400.
const maxBody = 16 << 10

// answer is what a client gets: a file, or just a status.
type answer struct {
	status int
	file   []byte
	allow  string // the methods that there are, with 405
}

func (a answer) result() string {
	switch a.status {
	case http.StatusOK:
		return ResultAnswered
	case http.StatusNotFound:
		return ResultUnknown
	}
	return ResultRefused
}

func (a answer) send(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if a.allow != "" {
		h.Set("Allow", a.allow)
	}
	if a.status != http.StatusOK {
		http.Error(w, http.StatusText(a.status), a.status)
		return
	}
	h.Set("Content-Type", "application/xml; charset=utf-8")
	_, _ = w.Write(a.file)
}

// thunderbird answers with the file of a domain: that of the address in the query,
// or the one that the request was sent to.
func thunderbird(_ http.ResponseWriter, r *http.Request, known Domains) answer {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return answer{status: http.StatusMethodNotAllowed, allow: "GET, HEAD"}
	}
	_, domain, ok := split(r.URL.Query().Get("emailaddress"))
	if !ok {
		domain = hostDomain(r.Host)
	}
	settings, ok := known[domain]
	if !ok {
		return answer{status: http.StatusNotFound}
	}
	return answer{status: http.StatusOK, file: thunderbirdFile(domain, settings)}
}

// autodiscover answers a POST with an address in it.
func autodiscover(w http.ResponseWriter, r *http.Request, known Domains) answer {
	// Deliberate: in clear there is neither an answer, which whoever is in between
	// could have forged, nor a redirect (MS-OXDSCLI §3.1.5.4). A client that comes
	// here has asked the same host by https before.
	if r.TLS == nil {
		return answer{status: http.StatusForbidden}
	}
	if r.Method != http.MethodPost {
		return answer{status: http.StatusMethodNotAllowed, allow: http.MethodPost}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return answer{status: http.StatusRequestEntityTooLarge}
	}
	if err != nil {
		return answer{status: http.StatusBadRequest}
	}
	address, err := requestedAddress(bytes.NewReader(body))
	local, domain, ok := split(address)
	if err != nil || !ok {
		return answer{status: http.StatusBadRequest}
	}
	settings, ok := known[domain]
	if !ok {
		return answer{status: http.StatusNotFound}
	}
	login := address
	if settings.LocalPart {
		login = local
	}
	return answer{status: http.StatusOK, file: autodiscoverFile(login, settings)}
}

// maxAddress is the longest address (RFC 5321 §4.5.3.1.3, without the brackets), in
// octets.
const maxAddress = 254

// split takes an address apart, the domain in lower case. It is ok if popgate could
// take it for a user's name.
func split(address string) (local, domain string, ok bool) {
	local, domain, ok = strings.Cut(address, "@")
	odd := func(r rune) bool { return r <= ' ' || r == '@' || r == 0x7f }
	ok = ok && local != "" && domain != "" && len(address) <= maxAddress &&
		!strings.ContainsFunc(local, odd) && !strings.ContainsFunc(domain, odd)
	return local, lower(domain), ok
}

// hostDomain is the domain that a host name is about: clients ask
// autoconfig.example.com, or example.com itself.
func hostDomain(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.TrimPrefix(strings.TrimSuffix(lower(host), "."), "autoconfig.")
}

// lower folds ASCII only: other letters have no case in a domain name on the wire.
func lower(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, text)
}
