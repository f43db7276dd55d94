package e2e

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

// openssl reads mailboxes with `openssl s_client -quiet -crlf`, as people do by hand. All commands are on its
// standard input from the start, so they arrive in one piece.
type openssl struct{}

func (openssl) name() string     { return "openssl" }
func (openssl) program() string  { return "openssl" }
func (openssl) logins() []string { return []string{"USER", "PLAIN", "LOGIN"} }

// refused knows the answer itself, as the program ends well whatever the server said.
func (openssl) refused(r result) bool { return strings.Contains(r.output, "-ERR [AUTH]") }

func (o openssl) fetch(t testing.TB, v visit) ([][]byte, result) {
	t.Helper()
	stat, r := o.run(t, v, "STAT")
	var count, size int
	for line := range strings.Lines(string(stat)) {
		fmt.Sscanf(line, "+OK %d %d\r\n", &count, &size)
	}
	if count == 0 {
		return nil, r
	}
	var commands []string
	for i := range count {
		commands = append(commands, fmt.Sprintf("RETR %d", i+1))
	}
	out, r := o.run(t, v, commands...)
	// Mails begin at the answer to RETR, which is the first that Dovecot words so, and end with the dot line. A mail's
	// own lines can't be taken for either: a dot line is stuffed, and this answer is in none of the mails.
	var mails [][]byte
	for rest := out; ; {
		_, after, found := bytes.Cut(rest, []byte(" octets\r\n"))
		if !found {
			return mails, r
		}
		text, next, _ := bytes.Cut(after, []byte("\r\n.\r\n"))
		mails, rest = append(mails, text), next
	}
}

func (o openssl) removeSmall(t testing.TB, v visit, numbers []int) result {
	t.Helper()
	var commands []string
	for _, n := range numbers {
		commands = append(commands, fmt.Sprintf("DELE %d", n))
	}
	_, r := o.run(t, v, commands...)
	return r
}

// run logs in, sends the commands and quits.
func (o openssl) run(t testing.TB, v visit, commands ...string) ([]byte, result) {
	t.Helper()
	encode := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	var login []string
	switch v.login {
	case "USER":
		login = []string{"USER " + v.user, "PASS " + v.password}
	case "PLAIN":
		login = []string{"AUTH PLAIN " + encode("\x00"+v.user+"\x00"+v.password)}
	case "LOGIN":
		login = []string{"AUTH LOGIN", encode(v.user), encode(v.password)}
	}
	input := strings.Join(append(append(login, commands...), "QUIT"), "\n") + "\n"
	if v.security == noTLS {
		return o.byHand(t, v, input), result{}
	}
	args := []string{"s_client", "-quiet", "-crlf", "-connect", loopback(v.port), "-servername", v.host,
		"-CAfile", v.ca, "-verify_return_error", "-verify_hostname", v.host,
		"-tls" + strings.Replace(v.version, ".", "_", 1)}
	if v.security == startTLS {
		args = append(args, "-starttls", "pop3")
	}
	out, r := run(t, t.TempDir(), input, need(t, "openssl"), args...)
	r.output += tail(out)
	return out, r
}

// byHand says to a server in the clear what openssl would say under TLS, as openssl can't do without.
func (openssl) byHand(t testing.TB, v visit, input string) []byte {
	t.Helper()
	w := connect(t, v.endpoint)
	w.raw(strings.ReplaceAll(input, "\n", "\r\n"))
	return []byte(w.end())
}
