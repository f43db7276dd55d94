package expr

import (
	"net/netip"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// Vars are the facts of one login. Text that is absent is "", never null.
//
// Deliberate: conditions see the user's name, local part and domain with ASCII
// letters in lower case, and user.name of a bare name with its tenant's domain
// added: a rule about "joe@example.com" must hold for "JOE@example.com" and for
// "joe" on that tenant's host too, because backends take them for one mailbox.
// Texts see what the client typed, because that is what the backend shall get.
type Vars struct {
	UserName   string // what the client typed
	UserLocal  string // before the last @, as typed
	UserDomain string // behind it or the tenant's first domain; "" for a bare name without a tenant
	UserTenant string // the tenant's label; "" outside of tenants

	ClientIP   netip.Addr // the zero value is ""
	ClientPort uint16
	// Networks returns the names of the networks that the client's address is in.
	// It is called when the first program asks, and once at most; nil: there are none.
	Networks func() []string

	// Mechanism is how the password was sent: "USER", "PLAIN" or "LOGIN".
	Mechanism string

	TLSVersion string // "1.2" or "1.3"; "" without TLS
	TLSCipher  string
	ServerName string // what the client asked for by SNI
	Listener   string // the listener's label

	Time time.Time // seen in its own location
}

// Env holds the variables of one login for all the programs that run in it.
// It fills itself as programs ask, so it is for one goroutine at a time.
type Env struct {
	vars     Vars
	contexts [2]*hcl.EvalContext // by Type, made when first needed
}

// NewEnv makes the environment of one login. It is cheap: what no program asks
// for is never built.
func NewEnv(v Vars) *Env {
	// An IPv4 client of a dual-stack socket must match IPv4 prefixes.
	v.ClientIP = v.ClientIP.Unmap().WithZone("")
	return &Env{vars: v}
}

// context returns what p is evaluated in, with each variable that p uses.
func (e *Env) context(p *Program) *hcl.EvalContext {
	ctx := e.contexts[p.want]
	if ctx == nil {
		ctx = &hcl.EvalContext{Variables: make(map[string]cty.Value, len(p.uses)), Functions: functions}
		e.contexts[p.want] = ctx
	}
	for _, name := range p.uses {
		if _, ok := ctx.Variables[name]; !ok {
			ctx.Variables[name] = variables[name].value(e, p.want)
		}
	}
	return ctx
}

// variable is one name that an expression can use. Exactly one of text, number
// and list is set.
type variable struct {
	text   func(*Env, Type) string
	number func(*Env) int
	list   func(*Env) []string
	lower  func(Type) bool // whether its ASCII letters are in lower case; nil: no
	words  []string        // all texts that it can be, but for ""; nil: any
}

// value returns the variable's value as programs of type t see it.
func (v variable) value(e *Env, t Type) cty.Value {
	switch {
	case v.number != nil:
		return cty.NumberIntVal(int64(v.number(e)))
	case v.list != nil:
		return textList(v.list(e))
	default:
		return cty.StringVal(v.text(e, t))
	}
}

// textList returns texts as the language has them.
func textList(texts []string) cty.Value {
	if len(texts) == 0 {
		return cty.ListValEmpty(cty.String)
	}
	values := make([]cty.Value, len(texts))
	for i, s := range texts {
		values[i] = cty.StringVal(s)
	}
	return cty.ListVal(values)
}

// unknown returns a value of the variable's type for the check at load.
func (v variable) unknown() cty.Value {
	switch {
	case v.number != nil:
		return cty.UnknownVal(cty.Number)
	case v.list != nil:
		return cty.UnknownVal(cty.List(cty.String))
	default:
		return cty.UnknownVal(cty.String)
	}
}

// variables are all variables by the full name that a config uses for them.
var variables = map[string]variable{
	"user.name":       {text: userName, lower: inConditions},
	"user.local":      {text: userLocal, lower: inConditions},
	"user.domain":     {text: func(e *Env, _ Type) string { return fold(e.vars.UserDomain) }, lower: always},
	"user.tenant":     {text: func(e *Env, _ Type) string { return e.vars.UserTenant }},
	"client.ip":       {text: clientIP, lower: always},
	"client.port":     {number: func(e *Env) int { return int(e.vars.ClientPort) }},
	clientNetworks:    {list: networks},
	"auth.mechanism":  {text: func(e *Env, _ Type) string { return e.vars.Mechanism }, words: []string{"USER", "PLAIN", "LOGIN"}},
	"tls.version":     {text: func(e *Env, _ Type) string { return e.vars.TLSVersion }},
	"tls.cipher":      {text: func(e *Env, _ Type) string { return e.vars.TLSCipher }},
	"tls.server_name": {text: func(e *Env, _ Type) string { return fold(e.vars.ServerName) }, lower: always},
	"listener":        {text: func(e *Env, _ Type) string { return e.vars.Listener }},
	"time.hour":       {number: func(e *Env) int { return e.vars.Time.Hour() }},
	"time.minute":     {number: func(e *Env) int { return e.vars.Time.Minute() }},
	"time.weekday":    {text: func(e *Env, _ Type) string { return fold(e.vars.Time.Weekday().String()) }, lower: always},
	"time.date":       {text: func(e *Env, _ Type) string { return e.vars.Time.Format(time.DateOnly) }},
}

// clientNetworks is the variable whose constant members [Program.Networks] tells.
const clientNetworks = "client.networks"

func always(Type) bool { return true }

func inConditions(t Type) bool { return t == Bool }

func userName(e *Env, t Type) string {
	switch {
	case t == Text:
		return e.vars.UserName
	case e.vars.UserLocal != "" && e.vars.UserDomain != "":
		return fold(e.vars.UserLocal + "@" + e.vars.UserDomain)
	default:
		return fold(e.vars.UserName)
	}
}

func userLocal(e *Env, t Type) string {
	if t == Text {
		return e.vars.UserLocal
	}
	return fold(e.vars.UserLocal)
}

func clientIP(e *Env, _ Type) string {
	if !e.vars.ClientIP.IsValid() {
		return ""
	}
	return e.vars.ClientIP.String()
}

// networks asks once: what it was told is put in the place of the question.
func networks(e *Env) []string {
	if e.vars.Networks == nil {
		return nil
	}
	names := e.vars.Networks()
	e.vars.Networks = func() []string { return names }
	return names
}

// fold puts ASCII letters, and only those, in lower case: strings.ToLower would
// take U+212A for a k.
func fold(s string) string {
	i := strings.IndexFunc(s, isUpper)
	if i < 0 {
		return s
	}
	b := []byte(s)
	for ; i < len(b); i++ {
		if isUpper(rune(b[i])) {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}

func isUpper(r rune) bool { return 'A' <= r && r <= 'Z' }
