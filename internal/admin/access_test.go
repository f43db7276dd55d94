package admin

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

// askTCP sends a request over TCP, with further header lines.
func askTCP(t testing.TB, address, line string, header ...string) (*http.Response, []byte) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	must(t, err)
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "%s HTTP/1.1\r\nConnection: close\r\n%s\r\n\r\n", line, strings.Join(header, "\r\n"))
	must(t, err)
	method, _, _ := strings.Cut(line, " ")
	return readAnswer(t, conn, method)
}

// lineOf is a request line for a call.
func lineOf(c call) string {
	path := strings.NewReplacer("{$}", "", "{name...}", "", "{address}", "all").Replace(c.path)
	if c.subject != "" {
		path = strings.ReplaceAll(path, "{"+c.subject+"}", "x")
	}
	return c.method + " " + strings.ReplaceAll(path, "{id}", "x")
}

// refusals are what admit may answer with, by status.
var refusals = map[int]string{401: CodeUnauthorized, 403: CodeForbidden, 421: CodeMisdirected}

func basic(name, password string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
}

// TestAccess: who may ask for what over TCP, for every call that there is.
func TestAccess(t *testing.T) {
	const secret = testToken
	type codes struct{ all, read, none string } // by what a call needs; "": it is made
	var (
		everything  = codes{}
		probesOnly  = codes{all: CodeUnauthorized, read: CodeUnauthorized}
		misdirected = codes{CodeMisdirected, CodeMisdirected, CodeMisdirected}
		forbidden   = codes{CodeForbidden, CodeForbidden, CodeForbidden}
	)
	right, local := "Authorization: Bearer "+secret, "Host: 127.0.0.1:9110"
	for _, tt := range []struct {
		name   string
		token  string
		header []string
		want   codes
	}{
		{"loopback without a token", "", []string{local}, codes{all: CodeForbidden}},
		{"a token where there is none", "", []string{local, right}, probesOnly},
		{"an empty token where there is none", "", []string{local, "Authorization: Bearer "}, probesOnly},
		{"an empty password where there is none", "", []string{local, basic("root", "")}, probesOnly},
		{"another name without a token", "", []string{"Host: evil.example"}, misdirected},
		{"another page without a token", "", []string{local, "Origin: http://evil.example"}, forbidden},

		{"no token", secret, []string{local}, probesOnly},
		{"bearer", secret, []string{local, right}, everything},
		{"bearer in lower case", secret, []string{local, "authorization: bearer   " + secret}, everything},
		{"basic", secret, []string{local, basic("anybody", secret)}, everything},
		{"basic without a name", secret, []string{local, basic("", secret)}, everything},
		{"the token as a name", secret, []string{local, basic(secret, "")}, probesOnly},
		{"wrong", secret, []string{local, right + "x"}, probesOnly},
		{"a part of it", secret, []string{local, right[:len(right)-1]}, probesOnly},
		{"in another case", secret, []string{local, "Authorization: Bearer " + strings.ToUpper(secret)}, probesOnly},
		{"empty", secret, []string{local, "Authorization: Bearer"}, probesOnly},
		{"wrong password", secret, []string{local, basic("anybody", "x")}, probesOnly},
		{"no base64", secret, []string{local, "Authorization: Basic " + secret}, probesOnly},
		{"another scheme", secret, []string{local, "Authorization: Digest " + secret}, probesOnly},
		{"in a cookie", secret, []string{local, "Cookie: token=" + secret}, probesOnly},

		{"IPv6", secret, []string{"Host: [2001:db8::1]:9110", right}, everything},
		{"IPv6 without a port", secret, []string{"Host: [::1]", right}, everything},
		{"a name of popgate's", secret, []string{"Host: popgate.internal:9110", right}, everything},
		{"a name in another case", secret, []string{"Host: POPGATE.Internal.", right}, everything},
		{"localhost", secret, []string{"Host: LocalHost:9110", right}, everything},
		{"another name", secret, []string{"Host: evil.example:9110", right}, misdirected},
		{"a longer name", secret, []string{"Host: popgate.internal.evil.example", right}, misdirected},
		{"a name like an address", secret, []string{"Host: 127.0.0.1.evil.example", right}, misdirected},
		{"a name like localhost", secret, []string{"Host: localhost.evil.example", right}, misdirected},
		{"an empty name", secret, []string{"Host: ", right}, misdirected},

		{"its own page", secret, []string{local, right, "Origin: http://127.0.0.1:9110", "Sec-Fetch-Site: same-origin"}, everything},
		{"its own page behind TLS", secret, []string{"Host: popgate.internal", right, "Origin: https://popgate.internal"}, everything},
		{"another page", secret, []string{local, right, "Origin: http://evil.example"}, forbidden},
		{"a page without an origin", secret, []string{local, right, "Origin: null"}, forbidden},
		{"a page of another port", secret, []string{local, right, "Origin: http://127.0.0.1:8080"}, forbidden},
		{"another page and a right site", secret, []string{local, right, "Origin: http://evil.example", "Sec-Fetch-Site: none"}, forbidden},
		{"a picture elsewhere", secret, []string{local, right, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"}, forbidden},
		{"a picture nearby", secret, []string{local, right, "Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: no-cors"}, forbidden},
		{"typed", secret, []string{local, right, "Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate"}, everything},
	} {
		t.Run(tt.name, func(t *testing.T) {
			says := map[string]string{CodeUnauthorized: "the token is missing or wrong"}
			if tt.token == "" {
				says[CodeUnauthorized] = "no token_file is set here"
			}
			r := newCounted(t, Access{Token: tt.token, Hosts: []string{"popgate.Internal"}, Pprof: true})
			refused := 0
			for _, c := range r.server.calls() {
				want := [...]string{needAll: tt.want.all, needRead: tt.want.read, needNone: tt.want.none}[c.need]
				answer, body := askTCP(t, r.address, lineOf(c), tt.header...)
				if got := refusals[answer.StatusCode]; got != want {
					t.Errorf("%s: %s, want %q", c.name, answer.Status, want)
				}
				if challenge := answer.Header.Get("WWW-Authenticate"); (challenge != "") != (want == CodeUnauthorized) ||
					challenge != "" && !strings.HasPrefix(challenge, "Basic realm=") {
					t.Errorf("%s: WWW-Authenticate: %q", c.name, challenge)
				}
				if want == "" {
					continue
				}
				if failed := refusal(t, body); failed.Code != want || !strings.HasPrefix(failed.Message, says[want]) {
					t.Errorf("%s: %+v", c.name, failed)
				}
				wantHeader(t, answer)
				refused++
				r.log.want(t, 1, "[INFO]  admin call refused: ", "call="+logged(c.name)+" ", "client=127.0.0.1:", "reason="+want)
			}
			if r.refused() != refused {
				t.Errorf("%d refusals were counted, want %d", r.refused(), refused)
			}
			r.log.want(t, 0, secret)
			r.log.want(t, 0, strings.TrimPrefix(basic("anybody", secret), "Authorization: Basic "))
		})
	}
}

// logged is a value as the log has it.
func logged(text string) string {
	if strings.Contains(text, " ") {
		return `"` + text + `"`
	}
	return text
}

// TestFollowedLink: a link from elsewhere may lead to the page, and to nothing
// else; nor may a page of elsewhere show it in a frame.
func TestFollowedLink(t *testing.T) {
	r := newCounted(t, Access{Token: testToken})
	for _, c := range r.server.calls() {
		for _, dest := range []string{"document", "iframe"} {
			answer, _ := askTCP(t, r.address, lineOf(c), "Host: localhost", "Authorization: Bearer "+testToken,
				"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: "+dest)
			if allowed := answer.StatusCode != http.StatusForbidden; allowed != (c.name == "show page" && dest == "document") {
				t.Errorf("%s, %s: %s", c.name, dest, answer.Status)
			}
		}
	}
}

// TestEverythingOverTheSocket: no name and no header keeps out who comes that
// way.
func TestEverythingOverTheSocket(t *testing.T) {
	r := serve(t, watched())
	r.server.SetAccess(Access{Token: testToken, Pprof: true})
	for _, c := range r.server.calls() {
		answer, _ := r.ask(t, lineOf(c)+" HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example\r\nAuthorization: Bearer x\r\nConnection: close\r\n\r\n")
		if code, refused := refusals[answer.StatusCode]; refused {
			t.Errorf("%s: %s", c.name, code)
		}
	}
}

// TestNeeds: what a stranger on loopback may ask for is a choice for each call.
func TestNeeds(t *testing.T) {
	s, _ := newServer(t, stock{})
	for _, c := range s.calls() {
		probe := c.path == "/healthz" || c.path == "/readyz"
		if (c.need == needNone) != probe {
			t.Errorf("%s: open to everybody: %v", c.name, c.need == needNone)
		}
		if c.need == needRead && (c.changes || c.body || c.method != http.MethodGet) {
			t.Errorf("%s: whoever may only read can do it", c.name)
		}
	}
}

// TestNamesAreHidden: whoever comes without a token reads no user's name, in
// whatever there is to read.
func TestNamesAreHidden(t *testing.T) {
	r := newCounted(t, Access{})
	const name = "bob@example.com"
	seen := make(map[string]bool)
	for _, c := range r.server.calls() {
		if c.method != http.MethodGet || c.need != needRead {
			continue
		}
		line := strings.Replace(lineOf(c), "/x", "/id", 1)
		r.server.SetAccess(Access{})
		if answer, body := askTCP(t, r.address, line, "Host: localhost"); answer.StatusCode != 200 || strings.Contains(string(body), name) {
			t.Errorf("%s: %s: %s", c.name, answer.Status, body)
		}
		r.server.SetAccess(Access{Token: testToken})
		_, body := askTCP(t, r.address, line, "Host: localhost", "Authorization: Bearer "+testToken)
		seen[c.name] = strings.Contains(string(body), name)
	}
	for _, call := range []string{"list sessions", "show session", "list blocks", "show page"} {
		if !seen[call] {
			t.Errorf("%s: the token does not show names", call)
		}
	}
}

// TestSetAccess: a change closes the connections that are there, whatever they are
// doing, and one that changes nothing doesn't. Over the socket nobody notices.
func TestSetAccess(t *testing.T) {
	tracing := make(chan struct{}, 1)
	over := make(chan error, 1)
	program := watched()
	program.trace = func(ctx context.Context, _ TraceOptions, _ func(TraceEvent) error) error {
		tracing <- struct{}{}
		<-ctx.Done()
		over <- nil
		return ctx.Err()
	}
	server, _ := newServer(t, program)
	server.SetAccess(Access{Token: testToken})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	trace, err := net.Dial("tcp", l.Addr().String())
	must(t, err)
	defer trace.Close()
	body := `{"user":"bob"}`
	_, err = fmt.Fprintf(trace, "POST /v1/trace HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s", testToken, len(body), body)
	must(t, err)
	<-tracing
	kept, err := net.Dial("tcp", l.Addr().String())
	must(t, err)
	defer kept.Close()
	ask := func() (int, error) {
		if _, err := io.WriteString(kept, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			return 0, err
		}
		answer, err := http.ReadResponse(bufio.NewReader(kept), nil)
		if err != nil {
			return 0, err
		}
		_, err = io.Copy(io.Discard, answer.Body)
		return answer.StatusCode, errors.Join(err, answer.Body.Close())
	}
	server.SetAccess(Access{Token: testToken})
	if status, err := ask(); status != 200 || err != nil {
		t.Errorf("after nothing has changed: %d, %v", status, err)
	}
	select {
	case <-over:
		t.Error("the trace is over though nothing has changed")
	default:
	}
	server.SetAccess(Access{Token: testToken + "new"})
	<-over
	if status, err := ask(); err == nil {
		t.Errorf("a connection outlives its token: %d", status)
	}
	if answer, _ := askTCP(t, l.Addr().String(), "GET /v1/sessions", "Host: localhost", "Authorization: Bearer "+testToken+"new"); answer.StatusCode != 200 {
		t.Errorf("with the new token: %s", answer.Status)
	}
}

// TestReloadChangesItsDoor: who reloads over TCP learns how that went, also where the
// token that it came with counts no more, on a connection that ends with that.
func TestReloadChangesItsDoor(t *testing.T) {
	for name, trouble := range map[string]error{"goes well": nil, "fails behind that": &ReloadError{Problems: []string{"a"}}} {
		t.Run(name, func(t *testing.T) {
			var server *Server
			server, _ = newServer(t, stock{reload: func(ctx context.Context) error {
				server.SetAccess(Access{Token: testToken + "new"})
				return errors.Join(trouble, ctx.Err())
			}})
			server.SetAccess(Access{Token: testToken})
			l, err := net.Listen("tcp", "127.0.0.1:0")
			must(t, err)
			go func() { _ = server.Serve(l) }()
			t.Cleanup(func() { _ = server.Close() })
			conn, err := net.Dial("tcp", l.Addr().String())
			must(t, err)
			defer conn.Close()
			_, err = fmt.Fprintf(conn, "POST /v1/reload HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Length: 0\r\n\r\n", testToken)
			must(t, err)
			lines := bufio.NewReader(conn)
			answer, err := http.ReadResponse(lines, nil)
			must(t, err)
			body, err := io.ReadAll(answer.Body)
			must(t, err)
			if (answer.StatusCode == 200) != (trouble == nil) || !answer.Close || len(body) == 0 {
				t.Errorf("%s, closes: %v: %s", answer.Status, answer.Close, body)
			}
			if rest, err := io.ReadAll(lines); err != nil || len(rest) > 0 {
				t.Errorf("behind the answer: %q, %v", rest, err)
			}
		})
	}
}

// TestElsewhere: a listener that isn't the one in force lets nobody in, probes
// neither.
func TestElsewhere(t *testing.T) {
	server, _ := newServer(t, watched())
	var at []net.Addr
	for range 2 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		go func() { _ = server.Serve(l) }()
		at = append(at, l.Addr())
	}
	t.Cleanup(func() { _ = server.Close() })
	server.SetAccess(Access{At: at[1]})
	for i, want := range []int{403, 200} {
		for _, path := range []string{"/v1/sessions", "/healthz"} {
			if answer, _ := askTCP(t, at[i].String(), "GET "+path, "Host: localhost"); answer.StatusCode != want {
				t.Errorf("%s at listener %d: %s, want %d", path, i, answer.Status, want)
			}
		}
	}
	any := &net.TCPAddr{IP: net.IPv6unspecified, Port: at[0].(*net.TCPAddr).Port}
	server.SetAccess(Access{At: any})
	if answer, _ := askTCP(t, at[0].String(), "GET /healthz", "Host: localhost"); answer.StatusCode != 200 {
		t.Errorf("at an address that %s takes in: %s", any, answer.Status)
	}
}

// TestPlacesPerClient: one client can't take all places of a listener.
func TestPlacesPerClient(t *testing.T) {
	var full int
	p := &places{all: 4, each: 2, full: func(net.Conn) { full++ }, strangers: new(connections), from: make(map[netip.Addr]int)}
	conn := func(ip string) net.Conn {
		a, _ := net.Pipe()
		return fromAddr{a, &net.TCPAddr{IP: net.ParseIP(ip), Port: 1}}
	}
	take := func(ip string, want bool) *placed {
		t.Helper()
		c := p.take(conn(ip))
		if (c != nil) != want {
			t.Errorf("%s has a place: %v, want %v", ip, c != nil, want)
		}
		return c
	}
	first := take("192.0.2.1", true)
	take("::ffff:192.0.2.1", true)
	take("192.0.2.1", false)
	take("192.0.2.2", true)
	take("192.0.2.2", true)
	take("192.0.2.3", false)
	must(t, first.Close())
	must(t, first.Close())
	take("192.0.2.3", true)
	if full != 2 || len(p.strangers.open) != 4 || p.taken != 4 {
		t.Errorf("%d were told, %d are open, %d places taken", full, len(p.strangers.open), p.taken)
	}
	p.strangers.closeAll()
	if p.taken != 0 || len(p.from) != 0 || len(p.strangers.open) != 0 {
		t.Errorf("left: %+v", p)
	}
	// A client with IPv6 has 2^64 addresses.
	take("2001:db8::1", true)
	take("2001:db8::ffff:2", true)
	take("2001:db8::3", false)
	take("2001:db8:0:1::1", true)
	p.strangers.closeAll()
}

// fromAddr is a connection from an address.
type fromAddr struct {
	net.Conn
	addr net.Addr
}

func (f fromAddr) RemoteAddr() net.Addr { return f.addr }

// TestTries: of a client five refusals of a kind are told in a minute, and the
// next one later tells of the others. What is remembered has a bound.
func TestTries(t *testing.T) {
	var list tries
	now := time.Unix(1_000_000, 0)
	told := 0
	for range 100 {
		if _, tell := list.note("192.0.2.1:4000", "status", now); tell {
			told++
		}
	}
	if told != 5 {
		t.Errorf("%d are told, want 5", told)
	}
	if _, tell := list.note("192.0.2.2:1", "status", now); !tell {
		t.Error("another client isn't told of")
	}
	if more, tell := list.note("192.0.2.1:4001", "status", now.Add(time.Minute)); !tell || more != 95 {
		t.Errorf("a minute later %d more, told: %v", more, tell)
	}
	told = 0
	for i := range 100 {
		if _, tell := list.note(fmt.Sprintf("[2001:db8::%x]:4000", i+1), "status", now); tell {
			told++
		}
	}
	if told != 5 {
		t.Errorf("%d are told of one network, want 5", told)
	}
	for i := range 3000 {
		list.note(fmt.Sprintf("192.0.2.1:%d", i), fmt.Sprint("call ", i), now.Add(time.Minute))
	}
	if len(list.from) > 1001 {
		t.Errorf("%d rows", len(list.from))
	}
}

func TestCheckToken(t *testing.T) {
	for name, tt := range map[string]struct{ token, say string }{
		"hexadecimal": {strings.Repeat("0f", 32), ""},
		"base64":      {"q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=", ""},
		"shortest":    {strings.Repeat("x", 32), ""},
		"longest":     {strings.Repeat("x", 1024), ""},
		"empty":       {"", "32 octets at least"},
		"short":       {strings.Repeat("x", 31), "32 octets at least"},
		"long":        {strings.Repeat("x", 1025), "1,024 octets at most"},
		"two lines":   {strings.Repeat("x", 32) + "\n" + strings.Repeat("x", 32), "one line"},
		"a space":     {strings.Repeat("x ", 32), "one line"},
		"a tab":       {strings.Repeat("x", 32) + "\t", "one line"},
		"a control":   {strings.Repeat("x", 32) + "\x7f", "one line"},
		"no ASCII":    {strings.Repeat("ü", 32), "one line"},
		"no UTF-8":    {strings.Repeat("\xff", 32), "one line"},
	} {
		err := CheckToken(tt.token)
		if (err == nil) != (tt.say == "") || err != nil && (!strings.Contains(err.Error(), tt.say) || tt.token != "" && strings.Contains(err.Error(), tt.token)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// counted is a server on TCP whose refusals are counted.
type counted struct {
	server  *Server
	address string
	log     *logBook
	mu      sync.Mutex
	codes   []string
}

func newCounted(t testing.TB, access Access) *counted {
	t.Helper()
	s, book := newServer(t, watched())
	r := &counted{server: s, log: book}
	s.refused = func(code string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.codes = append(r.codes, code)
	}
	s.SetAccess(access)
	r.address = serveTCP(t, s)
	return r
}

func (r *counted) refused() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.codes)
}

// watched is a program with a user in whatever may show one.
func watched() stock {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return stock{
		sessions: []Session{{ID: "id", State: SessionLoggedIn, Began: at, Client: "192.0.2.7:1", User: "bob@example.com"}},
		blocks:   []Block{{Address: "192.0.2.7", User: "bob@example.com", Check: "blocked_user", Until: at}},
		ready:    Readiness{Ready: true},
	}
}
