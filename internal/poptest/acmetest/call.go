package acmetest

import (
	"io"
	"net/http"
	"strings"
)

// maxBody bounds a request's body; a JWS with a certificate request in it has
// a few KiB.
const maxBody = 1 << 20 // bytes

// call is one request and what the CA has found out about it.
type call struct {
	method      string
	contentType string
	base        string // scheme and host that the client knows the CA by
	kind, id    string // the URL's path is /kind or /kind/id
	stage, host string // see SetFault
	body        []byte

	// authenticate fills these in.
	account *account
	jwk     *jwk   // of newAccount only
	payload []byte // empty: POST-as-GET
}

// url is the URL of the thing of this kind and id.
func (c *call) url(kind, id string) string { return c.base + "/" + kind + "/" + id }

// newCall reads req and says what it is about. It counts it.
func (ca *CA) newCall(req *http.Request, base string) (*call, error) {
	c := &call{method: req.Method, contentType: req.Header.Get("Content-Type"), base: base}
	if req.Body != nil {
		body, err := io.ReadAll(io.LimitReader(req.Body, maxBody))
		if err != nil {
			return nil, err
		}
		c.body = body
	}
	c.kind, c.id, _ = strings.Cut(strings.TrimPrefix(req.URL.Path, "/"), "/")

	ca.mu.Lock()
	defer ca.mu.Unlock()
	c.stage, c.host = ca.about(c)
	ca.books.requests[c.stage]++
	ca.books.requests[""]++
	return c, nil
}

// about finds stage and host of c. The caller holds mu.
func (ca *CA) about(c *call) (stage, host string) {
	single := c.kind == "directory" || strings.HasPrefix(c.kind, "new-")
	if single == (c.id != "") {
		return "other", ""
	}
	switch c.kind {
	case "directory":
		return "directory", ""
	case "new-nonce":
		return "nonce", ""
	case "new-account", "account":
		return "account", ""
	case "new-order":
		return "order", orderedHost(c.body)
	case "order":
		return "order-poll", ca.orders[c.id].host()
	case "finalize", "certificate":
		return c.kind, ca.orders[c.id].host()
	case "authz":
		if z := ca.authzs[c.id]; z != nil {
			host = z.order.host()
		}
		return "authz", host
	case "challenge":
		if ch := ca.challenges[c.id]; ch != nil {
			host = ch.authz.order.host()
		}
		return "challenge", host
	}
	return "other", ""
}
