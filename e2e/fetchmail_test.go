package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// fetchmail reads mailboxes with the fetchmail program and a mail delivery agent that stores what it gets.
type fetchmail struct{}

func (fetchmail) name() string     { return "fetchmail" }
func (fetchmail) program() string  { return "fetchmail" }
func (fetchmail) logins() []string { return []string{"USER"} }

// refused knows PS_AUTHFAIL.
func (fetchmail) refused(r result) bool { return r.code == 3 }

func (f fetchmail) fetch(t testing.TB, v visit) ([][]byte, result) {
	t.Helper()
	return f.run(t, v, "keep")
}

func (f fetchmail) removeSmall(t testing.TB, v visit, _ []int) result {
	t.Helper()
	// A mail over the limit is neither fetched nor deleted.
	_, r := f.run(t, v, "nokeep limit 2048")
	return r
}

func (fetchmail) run(t testing.TB, v visit, options string) ([][]byte, result) {
	t.Helper()
	dir := t.TempDir()
	// Mails are delivered one after the other.
	agent := `cat >` + dir + `/mail/$(printf %03d $(ls ` + dir + `/mail | wc -l))`
	if err := os.Mkdir(filepath.Join(dir, "mail"), 0o755); err != nil {
		t.Fatal(err)
	}
	ssl := `sslproto ""`
	if v.security != noTLS {
		ssl = fmt.Sprintf("sslproto %s sslcertck sslcertfile %s", quote("TLS"+v.version), quote(v.ca))
	}
	if v.security == implicitTLS {
		ssl += " ssl"
	}
	// "invisible" leaves out the Received line, which holds the time.
	config := fmt.Sprintf("set no syslog\nset no bouncemail\nset invisible\nset idfile %s\nset pidfile %s\n"+
		"poll %s service %d protocol POP3 auth password timeout 60\n"+
		"user %s there password %s %s fetchall no rewrite pass8bits no mimedecode no dropstatus\n"+
		"%s mda %s\n",
		// As root it has one lock for the whole machine otherwise.
		quote(filepath.Join(dir, "ids")), quote(filepath.Join(dir, "pid")), v.host, v.port, quote(v.user), quote(v.password), ssl, options, quote(agent))
	rc := filepath.Join(dir, "rc")
	// fetchmail refuses settings that others could read.
	if err := os.WriteFile(rc, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	out, r := run(t, dir, "", need(t, "fetchmail"), "-f", rc)
	r.output += string(out)
	// 1: there was no mail to fetch.
	if r.code == 1 {
		r.code = 0
	}
	return readAll(t, filepath.Join(dir, "mail", "*")), r
}

// readAll returns the contents of all files that match, in the order of their names.
func readAll(t testing.TB, pattern string) [][]byte {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	var contents [][]byte
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		contents = append(contents, text)
	}
	return contents
}
