package expr

import (
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// Every problem is found at load, wherever in the expression it stands, and its
// Detail says how to mend it.
func TestCompileRefuses(t *testing.T) {
	tests := []struct {
		src     string
		typ     Type
		summary string
		at      string // the text that Subject covers
		detail  string
	}{
		// Names.
		{`usr.domain == "a"`, Bool, "Unknown variable name", "usr", "Did you mean user?"},
		{`xyzzy == "a"`, Bool, "Unknown variable name", "xyzzy", "auth, client, listener, time, tls and user"},
		{`user.domian == "a"`, Bool, "Unknown attribute name", ".domian", "Did you mean domain?"},
		{`user["domian"] == "a"`, Bool, "Unknown attribute name", `["domian"]`, "Did you mean domain?"},
		{`time.year == 1`, Bool, "Unknown attribute name", ".year", "date, hour, minute and weekday"},
		{`auth.mechanisms == "a"`, Bool, "Unknown attribute name", ".mechanisms", "Did you mean mechanism?"},
		{`user == "a"`, Bool, "Attribute is missing", "user", "user.domain"},
		{`user[0] == "a"`, Bool, "Attribute is missing", "user[0]", "name and tenant"},
		{`listener.name == "a"`, Bool, "Unknown attribute name", ".name", "write just listener"},
		{`user.name.x == "a"`, Bool, "Unknown attribute name", ".x", "write just user.name"},
		{`startwith(user.name, "a")`, Bool, "Unknown function name", "startwith", "Did you mean startswith?"},
		{`file("/etc/passwd")`, Text, "Unknown function name", "file", "There are can, cidrcontains"},
		{`a::lower("x")`, Text, "Unknown function name", "a::lower", "There are"},
		// Names in operands and branches that HCL itself wouldn't look at.
		{`true || usr.domain == "a"`, Bool, "Unknown variable name", "usr", "user"},
		{`user.local == "a" && usr.domain == "a"`, Bool, "Unknown variable name", "usr", "user"},
		{`user.local == "a" ? usr.name : "b"`, Text, "Unknown variable name", "usr", "user"},
		{`try(usr.name, "a")`, Text, "Unknown variable name", "usr", "user"},
		{`can(usr.name)`, Bool, "Unknown variable name", "usr", "user"},
		{`lowr(usr.name)`, Text, "Unknown variable name", "usr", "user"},
		{`{ a = usr.name }["a"]`, Text, "Unknown variable name", "usr", "user"},
		{`["a"][usr.name]`, Text, "Unknown variable name", "usr", "user"},
		// Types.
		{`user.domain`, Bool, "Result not bool", "user.domain", "user.domain == "},
		{`"true"`, Bool, "Result not bool", `"true"`, "compare"},
		{`1`, Bool, "Result not bool", "1", "compare"},
		{`true`, Text, "Result not text", "true", "format"},
		{`client.port`, Text, "Result not text", "client.port", "format"},
		{`["a"]`, Text, "Result not text", `["a"]`, "tuple"},
		{`client.port == "995"`, Bool, "Different types compared", `client.port == "995"`, "without quotes"},
		{`user.local != true`, Bool, "Different types compared", "user.local != true", "without quotes"},
		{`user.local == ["a"]`, Bool, "Different types compared", `user.local == ["a"]`, "contains"},
		{`split("@", user.name) == ["a"]`, Bool, "Different types compared", `split("@", user.name) == ["a"]`, "same type"},
		{`contains(["a", "b"], client.port)`, Bool, "Different types compared", `contains(["a", "b"], client.port)`, "number"},
		{`contains(["a", 1], user.local)`, Bool, "Different types compared", `contains(["a", 1], user.local)`, "string"},
		{`contains(user.name, "a")`, Bool, "Wrong argument type", "user.name", "can(regex"},
		{`user.local && true`, Bool, "Wrong operand type", "user.local", "compare it first"},
		{`!user.local`, Bool, "Wrong operand type", "user.local", "compare it first"},
		{`user.local > 5`, Bool, "Wrong operand type", "user.local", "client.port"},
		{`"5" + 5 == 10`, Bool, "Wrong operand type", `"5"`, "number"},
		{`user.local ? "a" : "b"`, Text, "Wrong operand type", "user.local", "bool"},
		{`user.local == "a" ? 1 : "b"`, Text, "Different branch types", `1 : "b"`, "same type"},
		{`user.local == "a" ? true : "b"`, Text, "Different branch types", `true : "b"`, "same type"},
		{`startswith(client.port, "9")`, Bool, "Wrong argument type", "client.port", "format"},
		{`lower(true)`, Text, "Wrong argument type", "true", "format"},
		{`join(",", user.name)`, Text, "Wrong argument type", "user.name", "list of string"},
		{`join(",", ["a", 1])`, Text, "Wrong argument type", `["a", 1]`, "list of string"},
		{`regex(1, user.name)`, Text, "Wrong argument type", "1", "string"},
		{`"${split("@", user.name)}-"`, Text, "Wrong template part", `split("@", user.name)`, "join"},
		{`["a", "b"][user.name]`, Text, "Wrong index type", "user.name", "number"},
		{`split("@", user.name)["x"]`, Text, "Expression always fails", `["x"]`, "at any login"},
		{`{ a = "b" }[0]`, Text, "Expression always fails", `[0]`, "at any login"},
		{`{ a = "b" }[client.port]`, Text, "Wrong index type", "client.port", "string"},
		{`{ (user.name) = "b" }["a"]`, Text, "Key not constant", "(user.name)", "without variables"},
		{`{ user.name = "b" }["a"]`, Text, "Ambiguous object key", "user.name", "quotes"},
		{`try(regex("a", user.name), 5)`, Text, "Type not known", `try(regex("a", user.name), 5)`, "same type"},
		{`["a", 1][client.port]`, Text, "Type not known", `["a", 1][client.port]`, "same type"},
		{`["a", 1][client.port] == "a"`, Bool, "Type not known", `["a", 1][client.port] == "a"`, "same type"},
		{`lower(["a", 1][client.port])`, Text, "Type not known", `["a", 1][client.port]`, "same type"},
		{`"${["a", 1][client.port]}-"`, Text, "Type not known", `["a", 1][client.port]`, "same type"},
		{`true && ["a", true][client.port]`, Bool, "Type not known", `["a", true][client.port]`, "same type"},
		{`true ? ["a", 1][client.port] : "a"`, Text, "Type not known", `["a", 1][client.port] : "a"`, "same type"},
		{`["a", ["b"]][client.port][0]`, Text, "Type not known", `["a", ["b"]][client.port][0]`, "same type"},
		// Lists.
		{`client.networks`, Bool, "Result not bool", "client.networks", "list of string"},
		{`client.networks`, Text, "Result not text", "client.networks", "join"},
		{`client.networks == "office"`, Bool, "Different types compared", `client.networks == "office"`, "contains(client.networks, value)"},
		{`"office" != client.networks`, Bool, "Different types compared", `"office" != client.networks`, "contains(client.networks, value)"},
		{`client.networks == ["office"]`, Bool, "Different types compared", `client.networks == ["office"]`, "contains(client.networks, value)"},
		{`contains(client.networks, 5)`, Bool, "Different types compared", `contains(client.networks, 5)`, "a number"},
		{`contains("office", client.networks)`, Bool, "Wrong argument order", `contains("office", client.networks)`, "contains(client.networks"},
		{`contains(["office", "vpn"], client.networks)`, Bool, "Wrong argument order", `contains(["office", "vpn"], client.networks)`, "||"},
		{`startswith(client.networks, "o")`, Bool, "Wrong argument type", "client.networks", "list of string"},
		{`"${client.networks}-"`, Text, "Wrong template part", "client.networks", "join"},
		{`client.networks[0] == "office"`, Bool, "Element not constant", "[0]", "contains(client.networks"},
		{`client.networks.office`, Bool, "Element not constant", ".office", "contains(client.networks"},
		{`(client.networks)[0] == "office"`, Bool, "Element not constant", "", "contains(client.networks"},
		{`client.networks[client.port] == "office"`, Bool, "Element not constant", "client.networks[client.port]", "contains(client.networks"},
		// Calls.
		{`lower()`, Text, "Wrong argument count", "lower()", "lower(str)"},
		{`startswith("a", "b", "c")`, Bool, "Wrong argument count", `startswith("a", "b", "c")`, "startswith(str, prefix)"},
		{`join(",")`, Text, "Wrong argument count", `join(",")`, "join(separator, list, lists …)"},
		{`lower(["a"]...)`, Text, "Expansion not allowed", `lower(["a"]...)`, "without the dots"},
		{`regex("(", user.name)`, Text, "Pattern is invalid", `"("`, "RE2"},
		{`regex("(a)(?P<b>b)", user.name)[0]`, Text, "Pattern is invalid", `"(a)(?P<b>b)"`, "mixed"},
		{`replace(user.name, "/(/", "")`, Text, "Pattern is invalid", `"/(/"`, "RE2"},
		{`can(regex("(", user.name))`, Bool, "Pattern is invalid", `"("`, "RE2"},
		{`regex(user.domain, user.name)`, Text, "Pattern not constant", "user.domain", "without variables"},
		{`replace(user.name, user.domain, "")`, Text, "Pattern not constant", "user.domain", "without variables"},
		{`format(user.name)`, Text, "Format not constant", "user.name", "without variables"},
		{`format("%d", user.name)`, Text, "Format doesn't fit", `format("%d", user.name)`, "number"},
		{`format("%s")`, Text, "Format doesn't fit", `format("%s")`, "not enough"},
		{`format("%s", "a", "b")`, Text, "Format doesn't fit", `format("%s", "a", "b")`, "too many"},
		{`format("%9999s", user.name)`, Text, "Format doesn't fit", `format("%9999s", user.name)`, "999"},
		{`format("%.99999f", client.port)`, Text, "Format doesn't fit", `format("%.99999f", client.port)`, "999"},
		{`format("%[0]s", user.name)`, Text, "Format doesn't fit", `format("%[0]s", user.name)`, "Mend"},
		{`cidrcontains("192.0.2.0/33", client.ip)`, Bool, "Prefix is invalid", `"192.0.2.0/33"`, "192.0.2.0/24"},
		{`cidrcontains("192.0.2.1", client.ip)`, Bool, "Prefix is invalid", `"192.0.2.1"`, "192.0.2.0/24"},
		// What would never hold, or never succeed.
		{`user.domain == "Staff.example"`, Bool, "Letters never match", `"Staff.example"`, `"staff.example"`},
		{`"Joe" != user.local`, Bool, "Letters never match", `"Joe"`, `"joe"`},
		{`lower(tls.cipher) == "TLS"`, Bool, "Letters never match", `"TLS"`, `"tls"`},
		{`time.weekday == "Monday"`, Bool, "Letters never match", `"Monday"`, `"monday"`},
		{`contains(["a", "B"], user.name)`, Bool, "Letters never match", `["a", "B"]`, `"b"`},
		{`endswith(user.domain, ".Example")`, Bool, "Letters never match", `".Example"`, `".example"`},
		{`can(regex("^(Test|x)", user.local))`, Bool, "Letters never match", `"^(Test|x)"`, "(?i)"},
		{`regex("a", "b")`, Text, "Expression always fails", "regex(", "doesn't match"},
		{`can(regex("a", "b"))`, Bool, "Expression always fails", "regex(", "doesn't match"},
		{`0 / 0 == 1`, Bool, "Expression always fails", "0 / 0", "zero"},
		{`regex("(a)", user.name)[1]`, Text, "Expression always fails", "[1]", "at any login"},
		{`regex("(?P<a>a)", user.name).b`, Text, "Expression always fails", ".b", "at any login"},
		{`regex("(a)|(b)", "a")[1]`, Text, "Expression always fails", `regex("(a)|(b)", "a")[1]`, "null"},
		{`replace("", "", join("", ["` + strings.Repeat("a", maxText+1) + `"]))`, Text, "Expression always fails", "join(", "longer"},
		{`"${format("%999s", "a")}${format("%999s", "a")}${format("%999s", "a")}${format("%999s", "a")}${format("%999s", "a")}"`,
			Text, "Text too long", "", "shorten"},
		{`auth.mechanism == "plain"`, Bool, "Value never matches", `"plain"`, "USER, PLAIN and LOGIN"},
		{`"CRAM-MD5" != auth.mechanism`, Bool, "Value never matches", `"CRAM-MD5"`, "USER, PLAIN and LOGIN"},
		{`contains(["PLAIN", "XOAUTH2"], auth.mechanism)`, Bool, "Value never matches", `["PLAIN", "XOAUTH2"]`, "USER, PLAIN and LOGIN"},
		// What the language has, but expressions of a login don't.
		{`user.name == null`, Bool, "Null not allowed", "null", `""`},
		{`null`, Text, "Null not allowed", "null", `""`},
		{`[for s in split("@", user.name) : s]`, Text, "Loop not allowed", `[for s in split("@", user.name) : s]`, "regexall"},
		{`split("@", user.name)[*]`, Text, "Loop not allowed", `split("@", user.name)[*]`, "regexall"},
		{`"%{ for s in ["a"] }${s}%{ endfor }"`, Text, "Loop not allowed", "", "regexall"},
		{`1e999999999 == 1`, Bool, "Number too extreme", "1e999999999", "19 digits"},
		{`"${1e-99999999}x"`, Text, "Number too extreme", "1e-99999999", "19 digits"},
	}
	for _, tt := range tests {
		t.Run(tt.src, func(t *testing.T) {
			p, diags := Compile(parse(t, tt.src), tt.typ)
			if p != nil || len(diags) == 0 {
				t.Fatal("compiled; want an error")
			}
			checkDiagnostics(t, diags)
			d := diags[0]
			if d.Summary != tt.summary || !strings.Contains(d.Detail, tt.detail) {
				t.Errorf("got %q: %q; want %q with %q", d.Summary, d.Detail, tt.summary, tt.detail)
			}
			if at := string(d.Subject.SliceBytes([]byte(tt.src))); tt.at != "" && at != tt.at {
				t.Errorf("got subject %q; want %q", at, tt.at)
			}
		})
	}
}

// checkDiagnostics insists on the house form of diagnostics.
func checkDiagnostics(t testing.TB, diags hcl.Diagnostics) {
	t.Helper()
	for _, d := range diags {
		if n := len(strings.Fields(d.Summary)); n != 3 {
			t.Errorf("summary %q has %d words; want 3", d.Summary, n)
		}
		if d.Subject == nil || d.Severity != hcl.DiagError || len(d.Detail) < 20 || !strings.HasSuffix(d.Detail, ".") {
			t.Errorf("diagnostic lacks a place or a sentence: %#v", d)
		}
	}
}

func TestCompileFindsAllProblemsAtOnce(t *testing.T) {
	_, diags := Compile(parse(t, `usr.a == "x" || user.b == "y" && c("z") || client.port == "1" || (true ? null : d)`), Bool)
	if len(diags) != 6 {
		t.Errorf("got %d problems, want 6: %v", len(diags), diags)
	}
	checkDiagnostics(t, diags)
}

func TestCompileRefusesWhatItDoesntKnow(t *testing.T) {
	wrong, _ := hclsyntax.ParseExpression([]byte("1e2147483647 == 1"), "config.hcl", hcl.InitialPos)
	for _, e := range []hclsyntax.Expression{
		wrong, // the parser leaves an unknown value in it
		&hclsyntax.UnaryOpExpr{Op: hclsyntax.OpLogicalNot},
		&hclsyntax.ExprSyntaxError{Placeholder: cty.DynamicVal},
		&hclsyntax.AnonSymbolExpr{},
	} {
		p, diags := Compile(e, Bool)
		if p != nil || !diags.HasErrors() {
			t.Errorf("%T compiled", e)
		}
		checkDiagnostics(t, diags)
	}
}

// Other tools generate configs: what is long is checked fast or refused.
func TestCompileLongExpressions(t *testing.T) {
	list := `contains(["` + strings.Repeat(`a.example", "`, 1500) + `b.example"], user.domain)`
	compile(t, list, Bool)

	chain := strings.Repeat(`user.domain == "a.example" || `, 800) + "false"
	start := time.Now()
	compile(t, chain, Bool)
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("a chain of 800 comparisons took %v", d)
	}

	_, diags := Compile(parse(t, strings.Repeat(chain+" || ", 4)+"false"), Bool)
	if len(diags) != 1 || diags[0].Summary != "Expression too long" {
		t.Errorf("got %v; want one error about the length", diags)
	}
	checkDiagnostics(t, diags)
}

// Compile must not change the expression of the config that it is given.
func TestCompileLeavesTheExpressionAlone(t *testing.T) {
	e := parse(t, `regex("a", user.name) == "b" || 1 + 1 == 2`)
	for range 2 {
		if _, diags := Compile(e, Bool); diags.HasErrors() {
			t.Fatal(diags)
		}
	}
	if vars := e.Variables(); len(vars) != 1 || len(vars[0]) != 2 {
		t.Errorf("variables changed: %v", vars)
	}
}
