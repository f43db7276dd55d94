package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// mpop reads mailboxes with the mpop program and a mail delivery agent that stores what it gets.
type mpop struct{}

func (mpop) name() string     { return "mpop" }
func (mpop) program() string  { return "mpop" }
func (mpop) logins() []string { return []string{"USER", "PLAIN", "LOGIN"} }

// refused knows EX_NOPERM.
func (mpop) refused(r result) bool { return r.code == 77 }

func (m mpop) fetch(t testing.TB, v visit) ([][]byte, result) {
	t.Helper()
	return m.run(t, v, "keep on")
}

func (m mpop) removeSmall(t testing.TB, v visit, _ []int) result {
	t.Helper()
	// A mail over this size is neither fetched nor deleted.
	_, r := m.run(t, v, "keep off", "skipsize 2k")
	return r
}

func (mpop) run(t testing.TB, v visit, options ...string) ([][]byte, result) {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "mail"), 0o755); err != nil {
		t.Fatal(err)
	}
	agent := `cat >` + dir + `/mail/$(printf %03d $(ls ` + dir + `/mail | wc -l))`
	config := append([]string{
		"account default",
		"host " + v.host,
		fmt.Sprintf("port %d", v.port),
		"auth " + strings.ToLower(v.login),
		"user " + quote(v.user),
		"password " + quote(v.password),
		"delivery mda " + agent,
		"uidls_file " + filepath.Join(dir, "uidls"),
		"only_new off",
		"received_header off",
	}, options...)
	if v.security != noTLS {
		config = append(config, "tls on", "tls_trust_file "+v.ca,
			"tls_priorities NORMAL:-VERS-ALL:+VERS-TLS"+v.version)
	}
	if v.security == implicitTLS {
		config = append(config, "tls_starttls off")
	}
	// mpop refuses settings with a password that others could read.
	rc := filepath.Join(dir, "rc")
	if err := os.WriteFile(rc, []byte(strings.Join(config, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, r := run(t, dir, "", need(t, "mpop"), "-C", rc)
	r.output += string(out)
	return readAll(t, filepath.Join(dir, "mail", "*")), r
}
