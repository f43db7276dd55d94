package proxy_test

import (
	"encoding/base64"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"popgate/internal/poptest"
	"popgate/internal/route"
)

// guesses are logins that must fail alike, whatever the reason.
var guesses = []struct{ name, commands string }{
	{"a wrong password", "USER joe@acme.example\r\nPASS wrong\r\n"},
	{"a user that the backend refuses at USER", "USER nobody@acme.example\r\nPASS wrong\r\n"},
	{"… with a code", "USER coded@acme.example\r\nPASS wrong\r\n"},
	{"… as a temporary matter", "USER later@acme.example\r\nPASS wrong\r\n"},
	{"a backend that takes its time", "USER slow@acme.example\r\nPASS wrong\r\n"},
	{"an unknown domain", "USER joe@nowhere.example\r\nPASS wrong\r\n"},
	{"a bare name that is nobody's", "USER joe\r\nPASS wrong\r\n"},
	{"a name of another tenant's host", "USER joe@bolt.example\r\nPASS wrong\r\n"},
	{"a name that is none", "USER a@b@acme.example\r\nPASS wrong\r\n"},
	{"an empty local part", "USER @acme.example\r\nPASS wrong\r\n"},
	{"a trailing dot", "USER joe@acme.example.\r\nPASS wrong\r\n"},
	{"a password too long for a backend", "USER joe@acme.example\r\nAUTH PLAIN " + plainOf("joe@acme.example", strings.Repeat("a", 600)) + "\r\n"},
	{"AUTH PLAIN", "USER joe@acme.example\r\nAUTH PLAIN " + plainOf("joe@acme.example", "wrong") + "\r\n"},
	{"AUTH PLAIN, unknown", "USER joe@acme.example\r\nAUTH PLAIN " + plainOf("joe@nowhere.example", "wrong") + "\r\n"},
	{"another's identity", "USER joe@acme.example\r\nAUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("x\x00joe@acme.example\x00wrong")) + "\r\n"},
	{"AUTH LOGIN", "USER joe@acme.example\r\nAUTH LOGIN " + base64.StdEncoding.EncodeToString([]byte("joe@acme.example")) + "\r\nd3Jvbmc=\r\n"},
}

func plainOf(name, password string) string {
	return base64.StdEncoding.EncodeToString([]byte("\x00" + name + "\x00" + password))
}

// refusing is a backend that refuses everybody, each in a way of his own.
func refusing(line string) (answer string, more bool) {
	if strings.HasPrefix(line, "PASS ") {
		<-time.After(100 * time.Millisecond)
		return "-ERR wrong\r\n", true
	}
	switch line {
	case "USER nobody@acme.example":
		return "-ERR never heard of nobody\r\n", true
	case "USER coded@acme.example":
		return "-ERR [IN-USE] somebody is there\r\n", true
	case "USER later@acme.example":
		return "-ERR [SYS/TEMP] try again later\r\n", true
	case "USER slow@acme.example":
		<-time.After(2 * time.Second)
	}
	return "+OK\r\n", true
}

// Who guesses learns nothing from a refusal: its octets and its time are the same
// for every reason.
func TestRefusalsAreEqual(t *testing.T) {
	for _, guess := range guesses {
		t.Run(guess.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { playGuess(t, guess.commands) })
		})
	}
}

func playGuess(t *testing.T, commands string) {
	h := newHall(t, poptest.Answers("+OK\r\n", refusing), func(p *plan) {
		p.routes.Tenants = []route.Tenant{
			{Name: "acme", Hosts: []string{"pop.acme.example"}, Domains: []string{"acme.example"}, Backend: "east"},
			{Name: "bolt", Hosts: []string{"pop.bolt.example"}, Domains: []string{"bolt.example"}, Backend: "east"},
		}
		// Of two backends none is the one for names that nobody has.
		p.routes.Backends = append(p.routes.Backends, route.Backend{Name: "west", Addresses: []string{"192.0.2.111:110"}})
	})
	defer h.close()
	under, err := h.raw()
	if err != nil {
		t.Fatal(err)
	}
	defer under.Close()
	config := h.tls.Clone()
	config.ServerName = "pop.acme.example"
	if strings.HasPrefix(commands, "USER joe\r\n") {
		config.ServerName = "pop.example.com"
	}
	m := newMail(under, under, config)
	if err := m.ask("", "+OK"); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if _, err := io.WriteString(m, commands+"QUIT\r\n"); err != nil {
		t.Fatal(err)
	}
	got, err := readAll(m.in)
	got = strings.Replace(got, "+ UGFzc3dvcmQ6\r\n", "", 1)
	if err != nil || got != "+OK\r\n-ERR [AUTH] authentication failed\r\n+OK bye\r\n" {
		t.Errorf("got %q, %v", got, err)
	}
	if took := time.Since(began); took != 3*time.Second {
		t.Errorf("after %v", took)
	}
}
