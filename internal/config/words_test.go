package config

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
)

// setting writes a configuration in which one word of a block, which stands in
// the blocks of path, has the given value. It returns the line of that word.
func setting(path []*block, w *word, value string) (src string, line int) {
	var b strings.Builder
	top := path[0]
	if len(path) > 1 {
		top = path[1]
	}
	if top != tlsBlock {
		acme := ""
		if top == autoconfigBlock {
			acme = "  acme { hosts = [\"pop.example.com\"] }\n"
		}
		b.WriteString("tls {\n  self_signed = true\n" + acme + "}\n")
	}
	// A second backend keeps the first one from being all that there is.
	b.WriteString("backend \"legacy\" {\n  address = \"10.9.9.9\"\n}\nroute \"other\" {\n  when = user.local == \"joe\"\n  backend = \"legacy\"\n}\n")
	for i, inner := range path[1:] {
		fmt.Fprintf(&b, "%s", inner.name)
		if inner.labelled {
			fmt.Fprintf(&b, " \"name%d\"", i)
		}
		b.WriteString(" {\n")
		for j := range inner.words {
			if r := &inner.words[j]; r != w && r.required {
				fmt.Fprintf(&b, "%s = %s\n", r.name, r.like)
			}
		}
		if inner == tenantBlock && (len(path) == 2 && w.name != "backend" || len(path) > 2 && path[2] != routeBlock) {
			b.WriteString("backend = \"legacy\"\n")
		}
		if inner == acmeBlock && w.name != "hosts" {
			b.WriteString("hosts = [\"pop.example.com\"]\n")
		}
		if inner == autoconfigBlock && w.name != "domains" {
			b.WriteString("domains = [\"example.org\"]\n")
		}
		if inner == tlsBlock && w.name == "unknown_host" {
			b.WriteString("default_host = \"pop.example.com\"\n")
		}
		if inner == blockingBlock && w.name == "first" {
			b.WriteString("longest = \"720h\"\n")
		}
		if inner == blockingBlock && w.name == "longest" {
			b.WriteString("first = \"1s\"\n")
		}
		if inner == policyBlock && len(path) == i+2 && !acts(w, value) {
			b.WriteString("deny = \"not now\"\n")
		}
		if inner == tlsBlock {
			b.WriteString("certificate \"other\" {\n  cert_file = \"a.crt\"\n  key_file = \"a.key\"\n}\n")
		}
	}
	line = strings.Count(b.String(), "\n") + 1
	fmt.Fprintf(&b, "%s = %s\n", w.name, value)
	if path[len(path)-1] == backendBlock && w.name != "address" && w.name != "addresses" {
		b.WriteString("address = \"10.0.0.6\"\n")
	}
	b.WriteString(strings.Repeat("}\n", len(path)-1))
	return b.String(), line
}

// acts reports whether a word with that value is all that a policy needs.
func acts(w *word, value string) bool {
	switch w.name {
	case "deny", "delay":
		return true
	case "allow", "read_only":
		return value != "false"
	default:
		return false
	}
}

// TestWords insists, for each word of the schema, that its example is accepted,
// that its default is what it means when written, and that its check refuses
// values of other kinds and outside of its bounds.
func TestWords(t *testing.T) {
	setSecrets(t)
	var visit func(path []*block)
	visit = func(path []*block) {
		b := path[len(path)-1]
		for i := range b.words {
			t.Run(b.name+"."+b.words[i].name, func(t *testing.T) { checkWord(t, path, &b.words[i]) })
		}
		for _, inner := range b.blocks {
			visit(append(path[:len(path):len(path)], inner))
		}
	}
	visit([]*block{document})
}

func checkWord(t *testing.T, path []*block, w *word) {
	accepts := func(value string, want bool) {
		t.Helper()
		src, line := setting(path, w, value)
		_, diags, files := Parse("config.hcl", []byte(src))
		refused := false
		for _, d := range diags {
			if d.Subject.Start.Line == line && d.Severity == hcl.DiagError {
				refused = true
			} else if want && d.Severity == hcl.DiagError {
				t.Errorf("with %s = %s, elsewhere: %s", w.name, value, messages(t, files, hcl.Diagnostics{d}))
			}
		}
		if refused == want {
			t.Errorf("%s = %s: accepted: %v, want %v\n%s\n%s", w.name, value, !refused, want, src, messages(t, files, diags))
		}
	}
	accepts(w.like, true)
	accepts("null", false)
	accepts("{ a = 1 }", false)
	switch def := w.def.(type) {
	case string:
		accepts(fmt.Sprintf("%q", def), true)
	case []string:
		accepts("["+quoted(def)+"]", true)
	case nil:
	default:
		accepts(fmt.Sprint(def), true)
	}
	switch w.kind {
	case kindText:
		accepts("5", false)
		accepts(`["a"]`, false)
		accepts(`"\u0000"`, false)
	case kindTexts:
		accepts(`"a"`, false)
		accepts("[5]", false)
		accepts("[null]", false)
		accepts(`["\u0000"]`, false)
		accepts("["+strings.Trim(w.like, "[]")+", "+strings.Trim(w.like, "[]")+"]", false)
		accepts("[]", !w.required && !w.filled && w.name != "addresses" && path[len(path)-1] != acmeBlock)
	case kindNumber:
		accepts(fmt.Sprint(w.least-1), false)
		accepts(fmt.Sprint(w.least), true)
		accepts(fmt.Sprint(w.most), true)
		accepts(fmt.Sprint(w.most+1), false)
		accepts(`"5"`, false)
		accepts("1.5", false)
	case kindFlag:
		accepts("false", true)
		accepts(`"true"`, false)
		accepts("1", false)
	case kindPeriod:
		accepts(fmt.Sprintf("%q", w.from), true)
		accepts(fmt.Sprintf("%q", w.from-time.Nanosecond), false)
		accepts(fmt.Sprintf("%q", w.to), true)
		accepts(fmt.Sprintf("%q", w.to+time.Nanosecond), false)
		accepts(`"60"`, false)
		accepts("60", false)
		accepts("true", false)
	case kindRate:
		accepts(`"1/s"`, true)
		accepts(`"1000000/h"`, true)
		accepts(`"off"`, true)
		accepts(`"OFF"`, false)
		accepts(`"0/m"`, false)
		accepts(`"1000001/m"`, false)
		accepts(`"60"`, false)
		accepts("60", false)
		accepts("true", false)
	case kindCondition:
		accepts("user.local", false)
		accepts("false", false)
	case kindUserName:
		accepts("5", false)
	}
	form := "%q"
	if w.kind == kindTexts {
		form = "[%q]"
	}
	for _, choice := range w.oneOf {
		accepts(fmt.Sprintf(form, choice), true)
		accepts(fmt.Sprintf(form, strings.ToUpper(choice)), strings.ToUpper(choice) == choice)
		accepts(fmt.Sprintf(form, strings.ToLower(choice)), strings.ToLower(choice) == choice)
	}
	if w.oneOf != nil {
		accepts(fmt.Sprintf(form, "something else"), false)
	}
	if w.off {
		accepts(`"off"`, true)
		accepts(`"OFF"`, false)
		accepts(`""`, false)
	}
}

// TestRefusalWords insists that the texts with which servers say that a mailbox is
// taken, or that they can't work now, are told from a bad password.
func TestRefusalWords(t *testing.T) {
	find := func(words []string, refusal string) bool {
		for _, w := range words {
			if strings.Contains(lower(refusal), w) {
				return true
			}
		}
		return false
	}
	for _, refusal := range []string{
		"Maildrop lock busy!  Is another session active?",                // qpopper 2
		"/var/mail/.joe.pop lock busy!  Is another session active? (11)", // qpopper 4
		"Unable to lock maildrop",                                        // Cyrus 1
		"Unable to lock maildrop: Mailbox is locked by POP server",       // Cyrus 2
		"Can't get lock.  Mailbox in use",                                // UW ipop3d
		"Can't get lock.  Try again or use IMAP instead",                 // UW ipop3d
		"Mailbox is locked by another POP3 session.",                     // Dovecot
		"Timeout while waiting for lock",                                 // Dovecot 1
		"Your mailbox is already locked",                                 // hMailServer
		"maildrop already locked",                                        // RFC 1939
		"unable to lock maildrop",                                        // RFC 1939
		"Mailbox locked.",                                                // James
		"mailbox already in use by pid 12345",                            // GNU pop3d
		"Mailbox locked by another session",
		"account is locked by another session or for maintenance, try again.", // DBMail
		"Mailbox busy.  Try again later.",
		"cannot open mailbox (may be busy)",
		"could not acquire lock for maildrop joe",
	} {
		if !find(defaultInUseWords, refusal) {
			t.Errorf("%q isn't seen as a mailbox in use", refusal)
		}
	}
	for _, refusal := range []string{
		"Temporary problem, please try again later",                          // Courier
		"Temporary authentication failure.",                                  // Dovecot
		"Account is temporarily unavailable.",                                // Dovecot
		"Internal error occurred. Refer to server log for more information.", // Dovecot
		"Couldn't open INBOX: Internal error occurred.",                      // Dovecot 1
		"Maximum number of connections from user+IP exceeded",                // Dovecot
		"System error, can't open temporary file, do you own it?",            // qpopper
		"Unable to open user's INBOX",                                        // UW ipop3d
		"Unable to open maildrop",                                            // Cyrus
		"Server Unavailable. 21",                                             // Exchange
		"Service unavailable",                                                // Exchange
		"aack, child crashed",                                                // qmail-popup
		"Server error: Failed to fetch messages in Inbox.",                   // hMailServer
		"cannot access mailbox; mailbox is in maintenance mode",              // Zimbra
	} {
		if find(defaultInUseWords, refusal) || !find(defaultTemporaryWords, refusal) {
			t.Errorf("%q isn't seen as a passing fault", refusal)
		}
	}
	for _, refusal := range plainRefusals {
		if find(defaultInUseWords, refusal) || find(defaultTemporaryWords, refusal) {
			t.Errorf("%q isn't seen as a bad password", refusal)
		}
	}
	for _, w := range append(defaultInUseWords[:len(defaultInUseWords):len(defaultInUseWords)], defaultTemporaryWords...) {
		if clean, wrong := refusalWord(w); wrong != nil || clean != w {
			t.Errorf("%q isn't a word for refusals: %v, %q", w, wrong, clean)
		}
	}
}
