package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// curl reads mailboxes with the curl program, one mail per URL and all of them in one session. It can't be told to use
// USER and PASS where the server offers a SASL mechanism that it knows.
type curl struct{}

func (curl) name() string     { return "curl" }
func (curl) program() string  { return "curl" }
func (curl) logins() []string { return []string{"PLAIN", "LOGIN"} }

// refused knows CURLE_LOGIN_DENIED.
func (curl) refused(r result) bool { return r.code == 67 }

func (c curl) fetch(t testing.TB, v visit) ([][]byte, result) {
	t.Helper()
	list, r := c.run(t, v, "")
	if r.code != 0 {
		return nil, r
	}
	// For a list without lines curl writes one empty line.
	count := len(strings.Fields(string(list))) / 2
	if count == 0 {
		return nil, r
	}
	dir := t.TempDir()
	_, r = c.run(t, v, fmt.Sprintf("[1-%d]", count), "output = "+quote(filepath.Join(dir, "#1")))
	var mails [][]byte
	for i := range count {
		// curl makes no file for a mail without content; a missing one shows as a difference.
		text, _ := os.ReadFile(filepath.Join(dir, fmt.Sprint(i+1)))
		mails = append(mails, text)
	}
	return mails, r
}

func (c curl) removeSmall(t testing.TB, v visit, numbers []int) result {
	t.Helper()
	list := strings.Join(strings.Fields(strings.Trim(fmt.Sprint(numbers), "[]")), ",")
	// "head" tells curl that DELE has an answer of one line.
	_, r := c.run(t, v, "{"+list+"}", `request = "DELE"`, "head")
	return r
}

// run runs curl with a configuration on its standard input, so that no password is seen among the processes.
func (curl) run(t testing.TB, v visit, path string, more ...string) ([]byte, result) {
	t.Helper()
	scheme := "pop3"
	if v.security == implicitTLS {
		scheme = "pop3s"
	}
	config := []string{
		"silent", "show-error", `noproxy = "*"`,
		fmt.Sprintf("url = %s", quote(fmt.Sprintf("%s://%s:%d/%s", scheme, v.host, v.port, path))),
		fmt.Sprintf("resolve = %s", quote(fmt.Sprintf("%s:%d:127.0.0.1", v.host, v.port))),
		"user = " + quote(v.user+":"+v.password),
		"login-options = " + quote("AUTH="+v.login),
	}
	if v.security != noTLS {
		config = append(config, "ssl-reqd", "cacert = "+quote(v.ca))
	}
	if v.version != "" {
		config = append(config, "tlsv"+v.version, "tls-max = "+v.version)
	}
	return run(t, t.TempDir(), strings.Join(slices.Concat(config, more), "\n"), need(t, "curl"), "-q", "-K", "-")
}

// quote writes a value for a configuration file of curl or fetchmail.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
