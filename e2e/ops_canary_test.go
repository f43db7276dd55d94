package e2e

import (
	"bufio"
	"cmp"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// TestPasswordsAreNowhere: whatever becomes of a password, right, wrong, too late, in the wrong place or sent to a backend
// that repeats it, nothing that an operator can see holds it: no log, at any level, no number, no answer, no page, no profile
// and no trace, while the login is under way or afterwards.
func TestPasswordsAreNowhere(t *testing.T) {
	t.Parallel()
	for _, level := range []string{"", "debug", "trace"} {
		t.Run(cmp.Or(level, "default"), func(t *testing.T) {
			t.Parallel()
			odd, mute, gossip := oddBackend(t, "what is %s?\r\n"), oddBackend(t, ""), oddBackend(t, "+OK bye joe/%s\r\n")
			o := openOffice(t, true, settings{
				level: level, admin: "pprof = true", timeouts: "login = \"2s\"\n  backend_login = \"2s\"",
				hosts: []string{host, tenantHost(0)},
				// On its host a password that is typed as a name is one of its users.
				backends: backend("odd", odd) + backend("mute", mute) + backend("gossip", gossip) + `
tenant "acme" {
  hosts   = ["` + tenantHost(0) + `"]
  domains = ["` + tenantDomain(0) + `"]
  backend = "legacy"
}
route "odd" {
  when    = user.name == "odd"
  backend = "odd"
}
route "mute" {
  when    = user.name == "mute"
  backend = "mute"
}
route "gossip" {
  when    = user.name == "gossip"
  backend = "gossip"
}
route "rest" {
  backend = "legacy"
}
`,
			})
			tenants := o.implicit
			tenants.host = tenantHost(0)
			for _, e := range []endpoint{o.implicit, o.starttls, tenants} {
				for name, lines := range misuses(o.joe) {
					traced := func() {}
					if namesUser[name] {
						traced = o.trace(t, name, o.joe.user)
					}
					w := dial(t, e)
					w.send(lines...)
					o.tellsNothing(t, name, "/v1/sessions")
					_, _ = io.WriteString(w, "QUIT\r\n")
					w.end()
					w.Close() // or popgate waits for that
					traced()
				}
			}
			o.tellsNothing(t, "misuses", operatorsSee...)
			inTheClear(t, o.popgate, o.joe)
			notTLS(t, o.implicit, o.joe)
			// A hello is in clear on the network already. At level debug the log tells what hello failed, as that is what
			// an operator looks for there (SECURITY.md).
			if level == "" {
				inTheHello(t, o.implicit, o.joe)
			}
			for _, path := range []string{"odd", "mute", "gossip", "late"} {
				user := strings.Replace(path, "late", o.joe.user, 1)
				traced := o.trace(t, path, user)
				w := dial(t, o.implicit)
				w.ok("USER " + user)
				line := "PASS " + o.joe.password + "\r\n"
				switch path {
				case "late":
					line = strings.TrimSuffix(line, "\r\n")
				case "gossip": // it is in, and the backend goes on so
					line += "STAT\r\nNOOP\r\nQUIT\r\n"
				}
				w.raw(line)
				o.tellsNothing(t, path+", under way", operatorsSee...)
				w.end()
				w.Close()
				traced()
				o.tellsNothing(t, path, operatorsSee...)
			}
		})
	}
}

// operatorsSee is all that operators are shown, profiles with what they can hold of memory among it.
var operatorsSee = append([]string{"/", "/v1/config", "/healthz", "/readyz", "/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/heap?debug=1",
	"/debug/pprof/allocs?debug=1", "/debug/pprof/goroutine", "/debug/pprof/goroutine?debug=2"}, reading...)

// tellsNothing asks for all of these, and what would become of a login, and looks for passwords in the answers.
func (o *office) tellsNothing(t *testing.T, when string, paths ...string) {
	t.Helper()
	insist := func(path string, got answer) {
		if form := leaks([]byte(got.body + fmt.Sprint(got.header))); form != "" {
			t.Errorf("%s: %s holds a password (%s): %s", when, path, form, got.body)
		}
	}
	for _, path := range paths {
		insist(path, o.socket.ask(t, http.MethodGet, path, ""))
	}
	insist("explain", o.socket.ask(t, http.MethodPost, "/v1/explain", `{"user":"joe","address":"127.0.0.1"}`))
}

// namesUser are the misuses in which the client says who it is before it ends, so that a trace follows it.
var namesUser = map[string]bool{
	"right": true, "wrong": true, "right, PLAIN": true, "wrong, PLAIN": true, "right, LOGIN": true, "wrong, LOGIN": true,
	"with a control byte": true, "with a bare CR": true, "too long": true,
}

// unfinished are those of namesUser whose credentials never are whole, so that their trace waits on.
var unfinished = map[string]bool{"with a control byte": true, "with a bare CR": true, "too long": true, "late": true}

// trace follows the next session of a user. What it returns waits for that session's end, and looks through what was told.
func (o *office) trace(t *testing.T, when, user string) (traced func()) {
	t.Helper()
	begun := len(o.log.lines("trace begins"))
	var got answer
	var err error
	limit := "20s"
	if unfinished[when] {
		limit = "4s"
	}
	var asking sync.WaitGroup
	asking.Go(func() {
		got, err = o.tcp.try(http.MethodPost, "/v1/trace", fmt.Sprintf(`{"user":%q,"for":%q}`, user, limit), nil)
	})
	o.log.wait(t, begun+1, "trace begins")
	return func() {
		t.Helper()
		asking.Wait()
		if form := leaks([]byte(got.body)); form != "" {
			t.Errorf("%s: the trace holds a password (%s): %s", when, form, got.body)
		}
		if err != nil || strings.Contains(got.body, `"error"`) != unfinished[when] || !strings.Contains(got.body, `"from":"client"`) ||
			!strings.Contains(got.body, `"from":"popgate"`) {
			t.Errorf("%s: the trace tells too little: %v\n%s", when, err, got.body)
		}
	}
}

// notTLS sends the password where a TLS handshake is due, and behind the first octets of one.
func notTLS(t *testing.T, e endpoint, a account) {
	t.Helper()
	for _, text := range []string{"USER " + a.user + "\r\nPASS " + a.password + "\r\n", "\x16\x03\x01\x00\x20" + a.password} {
		w := connect(t, e)
		w.raw(text)
		_ = w.Conn.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, w.r)
	}
}

// inTheHello sends the password as the name of the server that is wanted, and as a protocol.
func inTheHello(t *testing.T, e endpoint, a account) {
	t.Helper()
	for _, config := range []*tls.Config{
		{ServerName: a.password}, {ServerName: a.password + ".example"}, {NextProtos: []string{a.password}},
	} {
		config.InsecureSkipVerify = true
		w := connect(t, e)
		_ = tls.Client(w.Conn, config).Handshake()
	}
}

// oddBackend answers PASS, and what comes behind it, with a line of its own, in which %s is the password; "": with nothing,
// until the client leaves.
func oddBackend(t testing.TB, line string) (port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var sessions sync.WaitGroup
	sessions.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			sessions.Go(func() {
				defer c.Close()
				answerOddly(c, line)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		sessions.Wait()
	})
	return l.Addr().(*net.TCPAddr).Port
}

func answerOddly(c net.Conn, line string) {
	fmt.Fprint(c, "+OK\r\n")
	lines, said := bufio.NewScanner(c), ""
	for lines.Scan() {
		if password, is := strings.CutPrefix(lines.Text(), "PASS "); is {
			said = password
		}
		switch {
		case said == "":
			fmt.Fprint(c, "+OK\r\n")
		case line != "":
			fmt.Fprintf(c, line, said)
		}
		if lines.Text() == "QUIT" {
			return
		}
	}
}
