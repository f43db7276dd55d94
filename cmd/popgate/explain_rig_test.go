package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"popgate/internal/metrics"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"popgate/internal/admin"
	"popgate/internal/config"
)

// house is a popgate that runs in this process, before a site's mail server.
type house struct {
	*site
	service *service
	log     *output
}

// newHouse runs popgate with more blocks than a site's own. Refusals come at
// once.
func newHouse(t testing.TB, listeners, more string) *house {
	t.Helper()
	h := &house{site: newSite(t), log: newOutput()}
	h.write(t, listeners+"tls { self_signed = true }\nlog { failed_users = \"all\" }\n"+ownSocket+backendAt(h.port)+more)
	cfg := h.load(t)
	service, err := newService(cfg, hclog.New(&hclog.LoggerOptions{Output: h.log}), metrics.New())
	if err != nil {
		t.Fatal(err)
	}
	h.service = service
	ctx, cancel := context.WithCancel(t.Context())
	if err := service.apply(ctx, cfg); err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		service.finish()
		if t.Failed() {
			t.Logf("the log:\n%s", h.log)
		}
	})
	return h
}

// load reads the configuration, but for the delay of refusals.
func (h *house) load(t testing.TB) *config.Config {
	t.Helper()
	cfg, diags, _ := config.Load(h.config)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	cfg.Timeouts.FailureDelay = time.Millisecond
	return cfg
}

func (h *house) socket() string { return filepath.Join(h.dir, "admin.sock") }

// explain asks the running popgate.
func (h *house) explain(t testing.TB, q admin.Question) admin.Explanation {
	t.Helper()
	x, err := admin.NewClient(h.socket()).Explain(t.Context(), q)
	if err != nil {
		t.Fatalf("%+v: %v", q, err)
	}
	return x
}

// got is what became of a real login.
type got struct {
	result, reason          string
	policy, backend, routed string
	tenant                  string
}

// caller is a mail client under TLS, that may be refused anywhere.
type caller struct {
	conn  net.Conn
	lines *bufio.Reader
	key   string // of its lines in the log
}

// call connects as a question says. Nil: the connection was closed.
func (h *house) call(t testing.TB, q admin.Question) *caller {
	t.Helper()
	dialer := net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: q.Address.AsSlice()}}
	conn, err := dialer.Dial("tcp", h.service.server.Addr(h.listenerAddress(q.Listener)).String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	version := uint16(tls.VersionTLS13)
	if q.TLS == "1.2" {
		version = tls.VersionTLS12
	}
	secure := tls.Client(conn, &tls.Config{ServerName: q.ServerName, InsecureSkipVerify: true, MinVersion: version, MaxVersion: version})
	return &caller{secure, bufio.NewReader(secure), " client=" + conn.LocalAddr().String() + " "}
}

// listenerAddress is as configured: the second one stands on 127.0.0.2.
func (h *house) listenerAddress(name string) string {
	if name == "second" {
		return "127.0.0.2:0"
	}
	return "127.0.0.1:0"
}

// say sends lines, and returns the last one of the answers; "": there is none.
func (c *caller) say(lines ...string) (answer string) {
	for _, line := range lines {
		if _, err := io.WriteString(c.conn, line+"\r\n"); err != nil {
			return ""
		}
		if answer = c.hear(); !strings.HasPrefix(answer, "+") {
			return answer
		}
	}
	return answer
}

func (c *caller) hear() string {
	line, err := c.lines.ReadString('\n')
	if err != nil {
		return ""
	}
	return line
}

// logIn gives a name and a password by a mechanism.
func (c *caller) logIn(mechanism, user, password string) string {
	code := base64.StdEncoding.EncodeToString
	switch mechanism {
	case "PLAIN":
		return c.say("AUTH PLAIN " + code([]byte("\x00"+user+"\x00"+password)))
	case "LOGIN":
		return c.say("AUTH LOGIN", code([]byte(user)), code([]byte(password)))
	}
	return c.say("USER "+user, "PASS "+password)
}

// replies are what a login is answered, by the result that it stands for.
var replies = map[string]string{
	admin.ResultLetIn:     "+OK",
	admin.ResultRefused:   "-ERR [AUTH]",
	admin.ResultTemporary: "-ERR [SYS/TEMP]",
	admin.ResultTooSoon:   "-ERR [LOGIN-DELAY]",
	admin.ResultMalformed: "-ERR ",
}

// result is what an answer means.
func resultOf(answer string) string {
	for _, result := range []string{admin.ResultLetIn, admin.ResultRefused, admin.ResultTemporary, admin.ResultTooSoon, admin.ResultMalformed} {
		if strings.HasPrefix(answer, replies[result]) {
			return result
		}
	}
	return admin.ResultClosed
}

// try logs in as a question says, with the right password, and tells what became
// of it, by what the client and the log were told.
func (h *house) try(t testing.TB, q admin.Question) got {
	t.Helper()
	earlier := len(h.log.String())
	c := h.call(t, q)
	answer := c.hear()
	if strings.HasPrefix(answer, "+OK") {
		answer = c.logIn(q.Mechanism, q.User, password)
	}
	g := got{result: resultOf(answer)}
	if g.result == admin.ResultLetIn {
		if strings.HasPrefix(c.say("DELE 1"), "-ERR") {
			g.result = admin.ResultReadOnly
		}
		c.say("RSET")
	}
	c.say("QUIT")
	_, _ = io.Copy(io.Discard, c.lines)
	_ = c.conn.Close()

	lines := h.sessionLines(t, earlier, c.key)
	line := lines[len(lines)-1]
	g.backend, g.routed = value(line, "backend"), value(line, "route")
	g.tenant, g.reason = value(line, "tenant"), value(line, "end")
	for _, line := range lines {
		if strings.Contains(line, " event=login ") {
			g.reason, g.policy = value(line, "reason"), value(line, "policy")
			return g
		}
	}
	if g.result == admin.ResultMalformed {
		g.reason = "" // it went on
	}
	return g
}

// sessionLines are the log's lines with a key, behind an offset, up to the one
// that ends the session.
func (h *house) sessionLines(t testing.TB, from int, key string) (lines []string) {
	t.Helper()
	late := time.After(patience)
	for {
		text, grown := h.log.now()
		lines = nil
		for line := range strings.Lines(text[from:]) {
			if !strings.Contains(line, key) {
				continue
			}
			lines = append(lines, strings.TrimSuffix(line, "\n"))
			if strings.Contains(line, ": session: ") {
				return lines
			}
		}
		select {
		case <-grown:
		case <-late:
			t.Fatalf("no end of the session in %q", text[from:])
		}
	}
}

// value is what stands behind a key of a log line, without quotes.
func value(line, key string) string {
	found := regexp.MustCompile(` ` + key + `=("(?:[^"\\]|\\.)*"|\S*)`).FindStringSubmatch(line)
	if found == nil {
		return ""
	}
	var text string
	if _, err := fmt.Sscanf(found[1], "%q", &text); err == nil {
		return text
	}
	return found[1]
}

// agree fails unless a real login gets what is explained before it.
func (h *house) agree(t testing.TB, q admin.Question) admin.Explanation {
	t.Helper()
	x := h.explain(t, q)
	user := q.User // as it is, not as it is shown
	q = x.Question
	q.User = user
	g := h.try(t, q)
	want := got{result: x.Outcome.Result, reason: x.Outcome.Reason, policy: x.Outcome.Policy, tenant: x.Name.Tenant}
	if x.Route != nil && x.Route.Failed == "" && (want.reason == "" || want.reason == "login_delay" || want.reason == "backend_draining") {
		want.backend, want.routed = x.Route.Backend, x.Route.Rule
	}
	if want.result == admin.ResultTemporary && aloud[want.reason] {
		want.reason = "no_room" // the log's word for all of them
	}
	if g != want {
		t.Errorf("%.80q %+v\n     got %+v\nexplained %+v, %s", user, q, g, want, x.Outcome.Detail)
	}
	return x
}

// clientFrom is a question from an address of loopback.
func clientFrom(last byte, user string) admin.Question {
	return admin.Question{User: user, Address: netip.AddrFrom4([4]byte{127, 0, 0, last})}
}
