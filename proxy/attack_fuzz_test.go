package proxy_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"popgate/internal/pop3"
	"popgate/internal/poptest"
)

// ownLine is what popgate's lines before login look like.
var ownLine = regexp.MustCompile(`^(\+OK( [ -~]+)?|-ERR [ -~]+|\+ [A-Za-z0-9=]*|TOP|UIDL|USER|STLS|` +
	`SASL PLAIN LOGIN|RESP-CODES|AUTH-RESP-CODE|PLAIN|LOGIN|\.)\r\n$`)

// FuzzDialogue is attack C20: whatever a client says before login, popgate
// lives, its answers are well-formed lines, and a backend hears nothing but a
// name and a password that the client gave, each fit for it.
func FuzzDialogue(f *testing.F) {
	for _, seed := range []string{
		"CAPA\r\nUSER joe\r\nPASS sesame\r\nSTAT\r\nQUIT\r\n",
		"USER joe\r\nUSER jane\r\nPASS  a b \r\nPASS x\r\n",
		"AUTH PLAIN " + plainOf("joe", "sesame") + "\r\nDELE 1\r\n",
		"AUTH PLAIN\r\n" + plainOf("joe", "se\r\nDELE 1") + "\r\nAUTH LOGIN\r\nam9l\r\nc2VzYW1l\r\n",
		"AUTH\r\nAUTH PLAIN\r\n*\r\nAUTH LOGIN =\r\n=\r\nAPOP a b\r\nUTF8\r\nLANG\r\nXCLIENT a\r\n",
		"STLS\r\nUSER evil\r\n", "STLS\r\n", "GET / HTTP/1.1\r\n\r\n", "NOOP\nUSER joe\rPASS x\r\n\x00\r\n",
		"USER \xffjoe\r\nPASS \xff\r\nUSER " + strings.Repeat("a", 300) + "\r\n", "USER joe\r\nPASS ses", "",
	} {
		for shape := range byte(4) {
			f.Add([]byte(seed), shape)
		}
	}
	f.Fuzz(func(t *testing.T, words []byte, shape byte) {
		synctest.Test(t, func(t *testing.T) { playDialogue(t, words, shape) })
	})
}

// playDialogue sends words, in clear for every other shape, in pieces of a size
// that shape says.
func playDialogue(t *testing.T, words []byte, shape byte) {
	clear := shape%2 == 1
	h := newHall(t, poptest.Answers("+OK\r\n", refusing), func(p *plan) {
		p.settings.Listeners[0].StartTLS = clear
		p.settings.Errors, p.settings.LoginAttempts = 20, 5
	})
	defer h.close()
	under, err := h.raw()
	if err != nil {
		t.Fatal(err)
	}
	defer under.Close()
	conn, in := net.Conn(under), io.Reader(under)
	if !clear {
		m := newMail(under, under, h.tls)
		if err := m.ask("", "+OK pop.example.com POP3 ready"); err != nil {
			t.Fatal(err)
		}
		conn, in = m.Conn, m.in
	}
	// Either may fail when the proxy has had enough.
	_, _ = poptest.SplitEvery(conn, 1+int(shape>>1)).Write(words)
	_ = poptest.FIN(conn)
	got, _ := readAll(in)
	for line := range strings.Lines(got) {
		if len(line) > pop3.MaxOwnReply || !ownLine.MatchString(line) {
			if clear && strings.HasPrefix(line, "\x15\x03") {
				break // an alert for what followed STLS
			}
			t.Errorf("popgate said %q", line)
		}
	}
	if n := h.backend.Connections(); clear && n > 0 || n > 5 {
		t.Errorf("%d connections to the backend", n)
	}
	given := offered(words)
	for i := range h.backend.Connections() {
		if err := fit(h.backend.Received(i), given); err != nil {
			t.Error(err)
		}
	}
}

// fit says what is wrong with what a backend received.
func fit(received []byte, given map[string]bool) error {
	name, rest, _ := bytes.Cut(received, []byte("\r\n"))
	name, isName := bytes.CutPrefix(name, []byte("USER "))
	if !isName || pop3.CheckName(name) != nil || !given[string(name)] {
		return fmt.Errorf("the backend got %q, and not a name first that was given", received)
	}
	if len(rest) == 0 {
		return nil
	}
	password, rest, _ := bytes.Cut(rest, []byte("\r\n"))
	password, isPassword := bytes.CutPrefix(password, []byte("PASS "))
	if !isPassword || len(rest) > 0 || pop3.CheckPassword(password) != nil || !given[string(password)] {
		return fmt.Errorf("the backend got %q, and not a password then that was given", received)
	}
	return nil
}

// offered is every piece of a client's words that could be a name or a password.
func offered(words []byte) map[string]bool {
	given := make(map[string]bool)
	for line := range bytes.SplitSeq(words, []byte("\r\n")) {
		for piece := line; ; {
			given[string(piece)] = true
			if decoded, err := base64.StdEncoding.DecodeString(string(piece)); err == nil {
				for part := range bytes.SplitSeq(decoded, []byte{0}) {
					given[string(part)] = true
				}
			}
			var more bool
			if _, piece, more = bytes.Cut(piece, []byte{' '}); !more {
				break
			}
		}
	}
	return given
}

// FuzzBackend: whatever a backend says before login, the client has one
// well-formed answer to each command; no name goes out before a greeting with
// +OK, and no password before the name was taken. After login all that the
// backend says is the client's.
func FuzzBackend(f *testing.F) {
	for _, seed := range []string{
		"+OK\r\n|+OK\r\n|+OK in\r\n|+OK bye\r\n", "+OK\n|+OK\n|+OK in\nunasked|+OK bye\n",
		"+OK\r\n|-ERR no\r\n", "+OK\r\n|+OK\r\n|-ERR [IN-USE] x\r\n+OK\r\n", "-ERR go away\r\n", "* OK IMAP\r\n",
		"+OK\r\n+OK\r\n+OK\r\n", "+OK", "", "\r\n", "220 smtp\r\n", "+OK\r\n|+OK\r\n|+OK \x1b[31m\r\n|x",
		"+OK " + strings.Repeat("a", 600) + "\r\n|+OK\r\n|+OK " + strings.Repeat("a", 600) + "\r\n|+OK\r\n",
		strings.Repeat("a", 5000), "+OK\r\n|+\r\n|+OK\r\n", "+OK\r\n|+ \r\n|+OK\r\n|+OK\r\n",
	} {
		for shape := range byte(3) {
			f.Add([]byte(seed), shape)
		}
	}
	f.Fuzz(func(t *testing.T, words []byte, shape byte) {
		synctest.Test(t, func(t *testing.T) { playTalk(t, bytes.Split(words, []byte("|")), shape) })
	})
}
