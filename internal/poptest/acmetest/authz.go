package acmetest

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// authz is RFC 8555 §7.1.4, for one order only. CA.mu guards what changes.
type authz struct {
	id         string
	order      *order
	name       string // without "*."
	wildcard   bool
	challenges []*challenge
	status     string
}

// challenge is RFC 8555 §7.1.5.
type challenge struct {
	id        string
	authz     *authz
	typ       string
	token     string
	status    string // pending, processing, valid or invalid
	decided   bool   // Validate has returned; status follows after polls
	polls     int    // that still show it processing
	problem   *Problem
	validated time.Time
}

// newAuthz makes an authorization. The caller holds mu.
func (ca *CA) newAuthz(o *order, name string) *authz {
	base, wildcard := strings.CutPrefix(name, "*.")
	z := &authz{id: ca.newID(), order: o, name: base, wildcard: wildcard, status: "pending"}
	types := ca.opts.Challenges
	if wildcard {
		types = []string{"dns-01"} // as RFC 8555 §7.1.4 allows and CAs do
	}
	for _, typ := range types {
		ch := &challenge{id: ca.newID(), authz: z, typ: typ, token: newToken(), status: "pending"}
		z.challenges = append(z.challenges, ch)
		ca.challenges[ch.id] = ch
	}
	ca.authzs[z.id] = z
	return z
}

// settle lets an authorization end with its time.
func (z *authz) settle() {
	if !time.Now().After(z.order.expires) {
		return
	}
	switch z.status {
	case "pending":
		z.status = "invalid"
	case "valid":
		z.status = "expired"
	}
}

// poll counts a look at z, which may show what Validate has decided.
func (z *authz) poll() {
	for _, ch := range z.challenges {
		if !ch.decided || ch.status != "processing" {
			continue
		}
		if ch.polls == 0 {
			ch.conclude()
		}
		ch.polls--
	}
}

// conclude makes the decision about ch visible, and z's with it.
func (ch *challenge) conclude() {
	ch.status = "valid"
	if ch.problem != nil {
		ch.status = "invalid"
	}
	if ch.authz.status == "pending" {
		ch.authz.status = ch.status
	}
}

func (z *authz) reply(c *call) *reply {
	challenges := []any{}
	for _, ch := range z.challenges {
		// RFC 8555 §7.1.4: a decided authorization shows what decided it.
		if z.status == "pending" || ch.status == z.status {
			challenges = append(challenges, ch.document(c))
		}
	}
	document := map[string]any{
		"status":     z.status,
		"expires":    z.order.expires.UTC().Format(time.RFC3339),
		"identifier": identifier{"dns", z.name},
		"challenges": challenges,
	}
	if z.wildcard {
		document["wildcard"] = true
	}
	return jsonReply(http.StatusOK, document)
}

func (ch *challenge) document(c *call) map[string]any {
	document := map[string]any{
		"type":   ch.typ,
		"url":    c.url("challenge", ch.id),
		"status": ch.status,
		"token":  ch.token,
	}
	switch ch.status {
	case "valid":
		document["validated"] = ch.validated.UTC().Format(time.RFC3339)
	case "invalid":
		document["error"] = ch.problem
	}
	return document
}

func (ch *challenge) reply(c *call) *reply {
	rep := jsonReply(http.StatusOK, ch.document(c))
	rep.header.Set("Link", "<"+c.url("authz", ch.authz.id)+`>;rel="up"`)
	return rep
}

// authorization is RFC 8555 §7.5 and §7.5.2: shows, or deactivates.
func (ca *CA) authorization(c *call) (*reply, error) {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	z := ca.authzs[c.id]
	switch {
	case z == nil:
		return nil, notFound("authorization")
	case z.order.account != c.account:
		return nil, problem("unauthorized", "another one's authorization")
	}
	z.settle()
	if len(c.payload) == 0 {
		z.poll()
		return z.reply(c), nil
	}
	var wish struct{ Status string }
	if err := json.Unmarshal(c.payload, &wish); err != nil || wish.Status != "deactivated" {
		return nil, problem("malformed", "an authorization can only be read or deactivated")
	}
	if z.status != "pending" && z.status != "valid" {
		return nil, problem("malformed", "authorization is %s", z.status)
	}
	z.status = "deactivated"
	return z.reply(c), nil
}

// respond is RFC 8555 §7.5.1: shows a challenge, or validates it.
func (ca *CA) respond(ctx context.Context, c *call) (*reply, error) {
	ch, begin, err := ca.begin(c)
	if err != nil {
		return nil, err
	}
	if begin {
		failure := ca.validate(ctx, ch)
		ca.decide(ctx, ch, failure)
	}
	ca.mu.Lock()
	defer ca.mu.Unlock()
	return ch.reply(c), nil
}

// begin finds c's challenge and says whether it is to be validated now.
func (ca *CA) begin(c *call) (ch *challenge, begin bool, err error) {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	ch = ca.challenges[c.id]
	switch {
	case ch == nil:
		return nil, false, notFound("challenge")
	case ch.authz.order.account != c.account:
		return nil, false, problem("unauthorized", "another one's challenge")
	}
	ch.authz.settle()
	if len(c.payload) == 0 {
		ch.authz.poll()
		return ch, false, nil
	}
	var empty map[string]any
	if json.Unmarshal(c.payload, &empty) != nil || len(empty) > 0 {
		return nil, false, problem("malformed", "the answer to a challenge is {}")
	}
	if ch.status != "pending" {
		return ch, false, nil
	}
	if ch.authz.status != "pending" {
		return nil, false, problem("malformed", "authorization is %s", ch.authz.status)
	}
	ch.status = "processing"
	return ch, true, nil
}

// validate asks the test. No lock is held, since it may take its time.
func (ca *CA) validate(ctx context.Context, ch *challenge) error {
	if ca.opts.Validate == nil {
		return nil
	}
	keyAuth := ch.token + "." + ch.authz.order.account.key.thumbprint
	return ca.opts.Validate(ctx, ch.typ, ch.authz.name, ch.token, keyAuth)
}

// decide writes down what Validate has found.
func (ca *CA) decide(ctx context.Context, ch *challenge, failure error) {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	switch {
	case failure == nil:
		ch.validated = time.Now()
		ca.books.validated[ch.typ]++
		ca.books.validated[""]++
	case ctx.Err() != nil:
		// The client has gone, and took Validate's context with it: no verdict.
		ch.status = "pending"
		return
	default:
		ch.problem = asProblem(failure, "unauthorized")
		ca.books.failed++
	}
	ch.decided, ch.polls = true, ca.opts.WaitPolls
	if ch.polls == 0 {
		ch.conclude()
	}
}
