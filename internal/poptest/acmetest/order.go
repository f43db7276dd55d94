package acmetest

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// orderLife is how long an order, and each of its authorizations, can be used.
const orderLife = 7 * 24 * time.Hour

// order is RFC 8555 §7.1.3. CA.mu guards what changes.
type order struct {
	id      string
	account *account
	names   []string // lower case, sorted
	first   string   // of the names as they were ordered
	authzs  []*authz
	expires time.Time
	status  string // see settle
	polls   int    // that still show it processing
	chain   []byte // PEM, once issued
}

// host is the name that faults know o by; o may be nil.
func (o *order) host() string {
	if o == nil {
		return ""
	}
	return o.first
}

// settle brings status up to date (RFC 8555 §7.1.6).
func (o *order) settle() {
	if o.status != "pending" && o.status != "ready" {
		return
	}
	valid := 0
	for _, z := range o.authzs {
		switch z.settle(); z.status {
		case "valid":
			valid++
		case "pending":
		default:
			o.status = "invalid"
			return
		}
	}
	if valid == len(o.authzs) {
		o.status = "ready"
	}
}

func (o *order) reply(c *call, status int) *reply {
	document := map[string]any{
		"status":      o.status,
		"expires":     o.expires.UTC().Format(time.RFC3339),
		"identifiers": identifiers(o.names),
		"finalize":    c.url("finalize", o.id),
	}
	var authzs []string
	for _, z := range o.authzs {
		authzs = append(authzs, c.url("authz", z.id))
	}
	document["authorizations"] = authzs
	if o.status == "valid" {
		document["certificate"] = c.url("certificate", o.id)
	}
	rep := jsonReply(status, document)
	rep.header.Set("Location", c.url("order", o.id))
	return rep
}

// identifier is RFC 8555 §9.7.7's; its type is always "dns".
type identifier struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

func identifiers(names []string) []identifier {
	var ids []identifier
	for _, name := range names {
		ids = append(ids, identifier{"dns", name})
	}
	return ids
}

// orderedHost is the first name in a newOrder request that nobody has checked.
func orderedHost(body []byte) string {
	var wish struct{ Identifiers []identifier }
	_, _, payload, err := parseJWS(body)
	if err != nil || json.Unmarshal(payload, &wish) != nil || len(wish.Identifiers) == 0 {
		return ""
	}
	return strings.ToLower(wish.Identifiers[0].Value)
}

// newOrder is RFC 8555 §7.4.
func (ca *CA) newOrder(c *call) (*reply, error) {
	var wish struct {
		Identifiers         []identifier
		NotBefore, NotAfter string
	}
	if err := json.Unmarshal(c.payload, &wish); err != nil {
		return nil, problem("malformed", "newOrder: %v", err)
	}
	if wish.NotBefore != "" || wish.NotAfter != "" {
		return nil, problem("malformed", "notBefore and notAfter are not supported")
	}
	names, err := orderedNames(wish.Identifiers)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	ca.mu.Lock()
	defer ca.mu.Unlock()
	o := &order{id: ca.newID(), account: c.account, names: names, first: c.host, expires: now.Add(orderLife), status: "pending"}
	ca.orders[o.id] = o
	for _, name := range names {
		o.authzs = append(o.authzs, ca.newAuthz(o, name))
	}
	for _, name := range append(slices.Clone(names), "") {
		ca.books.orderTimes[name] = append(ca.books.orderTimes[name], now)
	}
	return o.reply(c, http.StatusCreated), nil
}

// orderedNames checks identifiers and returns their names in order, each once.
func orderedNames(ids []identifier) ([]string, error) {
	if len(ids) == 0 {
		return nil, problem("malformed", "an order without identifiers")
	}
	var names []string
	for _, id := range ids {
		if id.Type != "dns" {
			return nil, problem("unsupportedIdentifier", "identifier type %q", id.Type)
		}
		name := strings.ToLower(id.Value)
		if !validName(strings.TrimPrefix(name, "*.")) {
			return nil, problem("rejectedIdentifier", "%q is no host name of two labels or more", id.Value)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// validName: letters, digits and hyphens in two labels or more, as public CAs
// want it, and the last one no number.
func validName(name string) bool {
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" ||
			label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	_, number := strconv.Atoi(labels[len(labels)-1])
	return len(labels) >= 2 && len(name) <= 253 && number != nil
}

// pollOrder shows an order (RFC 8555 §7.4).
func (ca *CA) pollOrder(c *call) (*reply, error) {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	o, err := ca.orderOf(c)
	if err != nil {
		return nil, err
	}
	if len(c.payload) > 0 {
		return nil, problem("malformed", "an order can only be read")
	}
	if o.status == "processing" && o.chain != nil {
		if o.polls == 0 {
			o.status = "valid"
		}
		o.polls--
	}
	return o.reply(c, http.StatusOK), nil
}

// orderOf finds c's order, up to date. The caller holds mu.
func (ca *CA) orderOf(c *call) (*order, error) {
	o := ca.orders[c.id]
	switch {
	case o == nil:
		return nil, notFound("order")
	case o.account != c.account:
		return nil, problem("unauthorized", "another one's order")
	}
	o.settle()
	return o, nil
}

// newID is a fresh number for any object. The caller holds mu.
func (ca *CA) newID() string {
	ca.ids++
	return strconv.Itoa(ca.ids)
}

// newToken has 128 bits and more (RFC 8555 §8.1).
func newToken() string { return rand.Text() }
