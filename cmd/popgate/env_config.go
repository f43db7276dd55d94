package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"

	"popgate/internal/config"
)

// The variables of the environment that make a configuration where there is no
// file, which is for containers.
const (
	backendVariable = "POPGATE_BACKEND" // address of the mail server; several by comma
	hostsVariable   = "POPGATE_HOSTS"   // names that clients connect to
	emailVariable   = "POPGATE_EMAIL"   // where the CA writes to; may be missing
)

// environment is the name of the file that these variables stand for, in
// messages.
const environment = "environment"

// variables are their values; an empty one counts as not set, as compose files
// can't leave a variable out.
type variables struct{ backend, hosts, email string }

// getVariables reads them.
func getVariables() variables {
	return variables{os.Getenv(backendVariable), os.Getenv(hostsVariable), os.Getenv(emailVariable)}
}

// set are the names of those that are set.
func (v variables) set() (names []string) {
	for _, pair := range [][2]string{{backendVariable, v.backend}, {hostsVariable, v.hosts}, {emailVariable, v.email}} {
		if pair[1] != "" {
			names = append(names, pair[0])
		}
	}
	return names
}

// parse makes a configuration of the variables. The results are those of
// [config.Load]; each problem names the variable to mend.
func (v variables) parse() (*config.Config, hcl.Diagnostics, map[string]*hcl.File) {
	hosts := strings.FieldsFunc(v.hosts, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
	backends := strings.FieldsFunc(v.backend, func(r rune) bool { return r == ',' })
	for i := range backends {
		backends[i] = strings.TrimSpace(backends[i])
	}
	if diags := v.missing(len(backends), len(hosts)); diags != nil {
		return nil, diags, nil
	}
	lines := linesOf(backends, hosts, strings.TrimSpace(v.email))
	var text strings.Builder
	for _, l := range lines {
		text.WriteString(l.text)
		if l.from != "" {
			text.WriteString(" # from " + l.from)
		}
		text.WriteString("\n")
	}
	cfg, diags, files := config.Parse(environment, []byte(text.String()))
	return cfg, blame(diags, lines), files
}

// missing are the problems of variables that a text can't be made of.
func (v variables) missing(backends, hosts int) (diags hcl.Diagnostics) {
	if backends == 0 {
		diags = append(diags, aboutVariables(hcl.DiagError, "Variable not set",
			"%s says which server to protect, and is missing: set it, as in %[1]s=10.0.0.5:110, or write a %s.", backendVariable, defaultConfig))
	}
	if hosts == 0 {
		diags = append(diags, aboutVariables(hcl.DiagError, "Variable not set",
			"%s says which names clients connect to, and is missing: set it, as in %[1]s=pop.example.com, and popgate gets certificates for them. "+
				"For certificates from files, or for a trial without any, write a %s.", hostsVariable, defaultConfig))
	}
	for _, pair := range [][2]string{{backendVariable, v.backend}, {hostsVariable, v.hosts}, {emailVariable, v.email}} {
		if !utf8.ValidString(pair[1]) {
			diags = append(diags, aboutVariables(hcl.DiagError, "Variable not readable", "%s isn't UTF-8: write it in ASCII.", pair[0]))
		}
	}
	return diags
}

// line is one of the configuration's, and the variable whose value is in it: "",
// if none is.
type line struct{ text, from string }

// linesOf are the configuration. Every value is a text in quotes on a line of its own,
// whatever is in it: of many bad ones each is shown alone.
func linesOf(backends, hosts []string, email string) []line {
	lines := []line{
		{"tls {", ""},
		{"  acme {", ""},
	}
	lines = append(lines, listOf("    hosts", hosts, hostsVariable)...)
	if email != "" {
		lines = append(lines, line{"    email = " + config.Quote(email), emailVariable})
	}
	lines = append(lines,
		line{"  }", ""},
		line{"}", ""},
		line{`backend "default" {`, ""},
	)
	lines = append(lines, listOf("  addresses", backends, backendVariable)...)
	return append(lines,
		line{"}", ""},
		// A container's own name means nothing to those who are greeted with it.
		line{"hostname = " + config.Quote(hosts[0]), hostsVariable},
	)
}

// listOf are the lines of a list of texts.
func listOf(name string, texts []string, from string) []line {
	if len(texts) == 1 {
		return []line{{name + " = [" + config.Quote(texts[0]) + "]", from}}
	}
	lines := []line{{name + " = [", from}}
	for _, text := range texts {
		lines = append(lines, line{"      " + config.Quote(text) + ",", from})
	}
	return append(lines, line{"]", from})
}

// blame adds to each problem which variable it is that has to be mended. The last
// line is the first host again, of which all is told where it is one of the hosts.
func blame(diags hcl.Diagnostics, lines []line) (named hcl.Diagnostics) {
	for _, d := range diags {
		at := d.Subject.Start.Line
		if at == len(lines) {
			continue
		}
		if at < len(lines) && lines[at-1].from != "" {
			d.Detail += " It comes from the variable " + lines[at-1].from + "."
		}
		named = append(named, d)
	}
	return named
}

// ignored warns of variables that have no effect, as there is a file. Those that
// a file asks for have one.
func (v variables) ignored(path string, files map[string]*hcl.File) (diags hcl.Diagnostics) {
	for _, name := range v.set() {
		asked := false
		for _, file := range files {
			asked = asked || bytes.Contains(file.Bytes, []byte(name))
		}
		if !asked {
			diags = append(diags, aboutVariables(hcl.DiagWarning, "Variable without effect",
				"%s is set, but the configuration comes from %q: unset it, or ask for it there with env(%[1]q).", name, path))
		}
	}
	return diags
}

// aboutVariables is a problem of the environment as such.
func aboutVariables(severity hcl.DiagnosticSeverity, summary, format string, args ...any) *hcl.Diagnostic {
	at := hcl.Range{Filename: environment, Start: hcl.InitialPos, End: hcl.InitialPos}
	return &hcl.Diagnostic{Severity: severity, Summary: summary, Detail: fmt.Sprintf(format, args...), Subject: &at}
}
