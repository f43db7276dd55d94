package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"popgate/internal/admin"
)

// explanationText shows an explanation to people, in the order of a session.
type explanationText struct {
	*tabwriter.Writer
	x *admin.Explanation
}

// writeExplanation writes an explanation that is printable. Its last line is
// what would happen.
func writeExplanation(w io.Writer, x *admin.Explanation) error {
	t := explanationText{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0), x}
	t.login()
	t.limits("at the connection", admin.StageConnection)
	t.name()
	t.limits("at the login", admin.StageLogin)
	t.policies()
	t.route()
	t.limits("once the backend has taken the password", admin.StageAccepted)
	fmt.Fprintf(t, "\n%s\n", outcomeText(x.Outcome))
	return t.Flush()
}

// row is one line of cells, indented.
func (t explanationText) row(cells ...string) { fmt.Fprintln(t, "  "+row(cells...)) }

func (t explanationText) head(words string) { fmt.Fprintf(t, "\n%s\n", words) }

func (t explanationText) login() {
	q := t.x.Question
	client := q.Address.String()
	if q.Port != 0 {
		client += fmt.Sprintf(", port %d", q.Port)
	}
	name := "none"
	if q.ServerName != "" {
		name = q.ServerName
	}
	fmt.Fprintf(t, "login of %q\n", q.User)
	t.row("client", client)
	t.row("networks", strings.Join(t.x.Networks, ", "))
	t.row("listener", q.Listener)
	t.row("tls", fmt.Sprintf("%s, %s", q.TLS, q.Cipher))
	t.row("server name", name)
	t.row("mechanism", q.Mechanism)
	if q.Time != nil { // what answers may be no popgate
		t.row("time", q.Time.Format("Monday "+time.RFC3339))
	}
}

func (t explanationText) name() {
	t.head("name")
	n := t.x.Name
	if n.Refused != "" {
		t.row("refused", n.Refused)
		return
	}
	t.row("canonical", n.Canonical)
	t.row("tenant", n.Tenant)
}

func (t explanationText) limits(head, stage string) {
	for _, l := range t.x.Limits {
		if l.Stage != stage {
			continue
		}
		if head != "" {
			t.head(head)
		}
		head = ""
		t.row(l.Check, l.Verdict, l.Detail+mark(l.Decides))
	}
}

// mark follows what decides.
func mark(decides bool) string {
	if decides {
		return "  <- this decides"
	}
	return ""
}

func (t explanationText) policies() {
	if len(t.x.Policies) == 0 {
		return
	}
	t.head("policies")
	for _, p := range t.x.Policies {
		action := p.Action
		if p.Denies && p.Error == "" {
			action = "deny: " + action
		}
		if p.LogOnly {
			action += " (on trial: only logged)"
		}
		if p.Error != "" {
			action += ": " + p.Error
		}
		t.row(p.Policy, p.Verdict, action+mark(p.Decides))
	}
}

func (t explanationText) route() {
	r := t.x.Route
	if r == nil {
		return
	}
	t.head("route")
	if r.Failed != "" {
		t.row("none", r.Failed)
		return
	}
	t.row("by", r.Rule)
	t.row("backend", r.Backend)
	t.row("addresses", strings.Join(r.Addresses, ", "))
	switch {
	case r.Sessions == nil && r.Connections > 0:
		t.row("connections", fmt.Sprintf("%d at most", r.Connections))
	case r.Sessions != nil && r.Connections > 0:
		t.row("connections", fmt.Sprintf("%d of %d", *r.Sessions, r.Connections))
	}
	if r.State != "" {
		t.row("state", r.State)
	}
	t.row("login name", fmt.Sprintf("%q, by %s", r.Login, strings.ToUpper(r.Auth)))
}

// results are what a client gets, in words.
var results = map[string]string{
	admin.ResultLetIn:     "let in",
	admin.ResultReadOnly:  "let in to read only",
	admin.ResultRefused:   "refused like a wrong password (-ERR [AUTH])",
	admin.ResultTemporary: "turned away for now (-ERR [SYS/TEMP])",
	admin.ResultTooSoon:   "refused, once the backend has taken the password (-ERR [LOGIN-DELAY])",
	admin.ResultMalformed: "no login: the name is refused as malformed (-ERR)",
	admin.ResultClosed:    "no login: the connection is closed without an answer",
}

// outcomeText says what would happen, and why.
func outcomeText(o admin.Outcome) string {
	text := "=> " + results[o.Result]
	if o.Delay != "" {
		text += " after " + o.Delay
	}
	letIn := o.Result == admin.ResultLetIn || o.Result == admin.ResultReadOnly
	if letIn || o.Reason == "" && o.Detail == "" {
		text += ", if the backend takes the password"
	}
	if o.Policy != "" && (o.Reason == "" || o.Reason == "policy") {
		text += fmt.Sprintf(": policy %q", o.Policy)
	} else if o.Reason != "" {
		text += ": " + o.Reason
	}
	if o.Detail != "" {
		text += ": " + o.Detail
	}
	return text
}
