package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"
)

// Logins is what the program tells of logins and of who is kept from them.
type Logins interface {
	// Explain tells what would become of a login. It dials nothing and takes
	// nothing from any limit. Its only error of its own is ErrUnknownListener.
	// The question is complete; see [Question.Complete].
	Explain(ctx context.Context, q Question) (Explanation, error)

	// Blocks returns the blocks in force, in the order in which they are to be
	// shown.
	Blocks(ctx context.Context) []Block

	// Unblock lifts blocks, and returns how many it lifted.
	Unblock(ctx context.Context, which Blocked) int
}

// ErrUnknownListener is a question about a listener that isn't there.
var ErrUnknownListener = errors.New("popgate has no such listener")

// Question is a login to explain. All but User and Address may be left out.
type Question struct {
	User       string     `json:"user"` // as a client would type it
	Address    netip.Addr `json:"address"`
	Port       uint16     `json:"port,omitempty"`        // 0: not known
	ServerName string     `json:"server_name,omitempty"` // "": the client names none
	Listener   string     `json:"listener,omitempty"`    // "": the first one
	Mechanism  string     `json:"mechanism,omitempty"`   // USER, PLAIN or LOGIN; "": USER
	TLS        string     `json:"tls,omitempty"`         // 1.2 or 1.3; "": 1.3
	Cipher     string     `json:"cipher,omitempty"`      // "": a usual one
	Time       *time.Time `json:"time,omitempty"`        // as conditions see it; nil: now
}

// The years of a question's time. JSON has no others than 0 to 9999, and a zone
// may move a time into the next one.
const (
	firstYear = 1
	lastYear  = 9998
)

// usualCiphers are what most clients agree on, by version.
var usualCiphers = map[string]string{
	"1.2": "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
	"1.3": "TLS_AES_128_GCM_SHA256",
}

// maxUser is longer than any name that a session takes, maxServerName the
// longest DNS name, in octets.
const (
	maxUser       = 4096
	maxServerName = 255
)

// Complete fills in what was left out, but for the listener and the time, and
// says what can't be. Its errors begin with the field's name in JSON.
func (q *Question) Complete() error {
	if q.Mechanism = strings.ToUpper(q.Mechanism); q.Mechanism == "" {
		q.Mechanism = "USER"
	}
	if q.TLS == "" {
		q.TLS = "1.3"
	}
	usual, known := usualCiphers[q.TLS]
	if q.Cipher == "" {
		q.Cipher = usual
	}
	switch {
	case !q.Address.IsValid():
		return errors.New("address is missing: it is the client's")
	case !utf8.ValidString(q.User):
		return errors.New("user is not UTF-8: every session refuses such a name")
	case len(q.User) > maxUser:
		return fmt.Errorf("user is longer than %d octets", maxUser)
	case q.Mechanism != "USER" && q.Mechanism != "PLAIN" && q.Mechanism != "LOGIN":
		return fmt.Errorf("mechanism %q is none of USER, PLAIN and LOGIN", brief(q.Mechanism))
	case !known:
		return fmt.Errorf("tls %q is neither 1.2 nor 1.3", brief(q.TLS))
	case len(q.ServerName) > maxServerName:
		return fmt.Errorf("server_name is longer than %d octets", maxServerName)
	case q.Time != nil && (q.Time.Year() < firstYear || q.Time.Year() > lastYear):
		return fmt.Errorf("time is not in the years %d to %d", firstYear, lastYear)
	}
	// A session knows one form of an address only.
	q.Address = q.Address.Unmap().WithZone("")
	return nil
}

// The results of a login.
const (
	ResultLetIn     = "let_in"
	ResultReadOnly  = "read_only" // let in, to change nothing
	ResultRefused   = "refused"   // as a wrong password is: -ERR [AUTH]
	ResultTemporary = "temporary" // -ERR [SYS/TEMP]
	ResultTooSoon   = "too_soon"  // -ERR [LOGIN-DELAY], once the backend has taken the password
	ResultMalformed = "malformed" // an -ERR that says what is wrong with the name; no login was tried
	ResultClosed    = "closed"    // the connection is closed before anything is said
)

// Explanation is what would become of a login, and why: all that is asked, in
// the order in which a session asks it, beyond what decides too.
type Explanation struct {
	Question Question `json:"question"` // with what was left out
	Networks []string `json:"networks"` // the named ones that the address is in
	Name     Name     `json:"name"`
	Limits   []Limit  `json:"limits"`
	Policies []Policy `json:"policies"` // up to the one that decides
	Route    *Route   `json:"route,omitempty"`
	Outcome  Outcome  `json:"outcome"`
}

// Name is how a user name is read.
type Name struct {
	Canonical string `json:"canonical,omitempty"`
	Tenant    string `json:"tenant,omitempty"`
	Refused   string `json:"refused,omitempty"` // why it is no name here
}

// The stages of a session at which limits are asked.
const (
	StageConnection = "connection" // before TLS
	StageLogin      = "login"      // with a name and a password
	StageAccepted   = "accepted"   // once the backend has taken the password
)

// Limit is one limit or block, and how it stands.
type Limit struct {
	Check   string `json:"check"`
	Stage   string `json:"stage"`             // see StageConnection and its neighbours
	Verdict string `json:"verdict"`           // passes, denies or unlimited
	Detail  string `json:"detail,omitempty"`  // for people
	Decides bool   `json:"decides,omitempty"` // it ends the session or the login
}

// The verdicts of a policy's condition.
const (
	ConditionTrue  = "true"
	ConditionFalse = "false"
	ConditionFails = "fails" // which denies
)

// Policy is one policy that is asked.
type Policy struct {
	Policy  string `json:"policy"`
	Verdict string `json:"verdict"`            // see ConditionTrue and its neighbours
	Action  string `json:"action"`             // what it does if its condition is true
	Error   string `json:"error,omitempty"`    // why the condition fails
	Denies  bool   `json:"denies,omitempty"`   // that is what it does
	LogOnly bool   `json:"log_only,omitempty"` // it is only told
	Decides bool   `json:"decides,omitempty"`  // no further one is asked
}

// Route is where a user belongs, or why that can't be told.
type Route struct {
	Rule        string   `json:"rule,omitempty"` // what decides, as in the log
	Backend     string   `json:"backend,omitempty"`
	Addresses   []string `json:"addresses,omitempty"`
	Connections int      `json:"connections,omitempty"` // that the backend may have at most; 0: no limit
	State       string   `json:"state,omitempty"`       // of the backend, see BackendUnused; "": no popgate runs
	Sessions    *int     `json:"sessions,omitempty"`    // that are there; nil likewise
	Login       string   `json:"login,omitempty"`       // the name that the backend is sent
	Auth        string   `json:"auth,omitempty"`        // how: user or plain
	Failed      string   `json:"failed,omitempty"`
}

// Outcome is what a session with the right password would get.
type Outcome struct {
	Result string `json:"result"` // see ResultLetIn and its neighbours
	// Reason is a word of the log: a check, or bad_name, no_route or
	// route_failed. "": let in.
	Reason string `json:"reason,omitempty"`
	Policy string `json:"policy,omitempty"` // that has decided among the policies
	Detail string `json:"detail,omitempty"` // for people
	Delay  string `json:"delay,omitempty"`  // that a policy makes the login wait, such as 10s
}

// Printable returns x with its foreign texts made fit for a terminal: bounded,
// on one line. A [Server] does that to whatever it explains.
func (x Explanation) Printable() Explanation {
	q := &x.Question
	makePrintable(&q.User, &q.ServerName, &q.Listener, &q.Cipher, &x.Name.Canonical, &x.Name.Tenant, &x.Name.Refused,
		&x.Outcome.Policy, &x.Outcome.Detail)
	x.Networks = append([]string{}, x.Networks...)
	for i := range x.Networks {
		makePrintable(&x.Networks[i])
	}
	x.Limits = append([]Limit{}, x.Limits...)
	for i := range x.Limits {
		makePrintable(&x.Limits[i].Detail)
	}
	x.Policies = append([]Policy{}, x.Policies...)
	for i := range x.Policies {
		p := &x.Policies[i]
		makePrintable(&p.Policy, &p.Action, &p.Error)
	}
	if x.Route != nil {
		r := *x.Route
		makePrintable(&r.Rule, &r.Backend, &r.Login, &r.Failed)
		r.Addresses = append([]string(nil), r.Addresses...)
		for i := range r.Addresses {
			makePrintable(&r.Addresses[i])
		}
		x.Route = &r
	}
	return x
}

func makePrintable(texts ...*string) {
	for _, text := range texts {
		*text = printable(*text)
	}
}

func (s *Server) explainLogin(r *http.Request) (any, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fmt.Errorf("read question: %w", err)
	}
	q, err := decodeQuestion(body)
	if err != nil {
		return nil, badRequest("%v", err)
	}
	x, err := s.logins.Explain(r.Context(), q)
	if err != nil {
		return nil, fmt.Errorf("explain: %w", err)
	}
	return x.Printable(), nil
}

// decodeQuestion reads a question and completes it.
func decodeQuestion(body []byte) (Question, error) {
	var q Question
	if err := decodeBody(body, &q); err != nil {
		return q, err
	}
	return q, q.Complete()
}

// Explain asks what would become of a login.
func (c *Client) Explain(ctx context.Context, q Question) (Explanation, error) {
	var x Explanation
	err := c.askJSON(ctx, quickLimit, http.MethodPost, "/v1/explain", q, &x)
	return x, err
}
