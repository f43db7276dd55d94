package e2e

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// office is a popgate with a backend, and all the ways to ask it.
type office struct {
	*popgate
	backend     *builtin
	joe         account
	socket, tcp desk // tcp has the token, if there is one
	token       string
}

// openOffice runs a popgate whose admin block has more lines; with a token at its port if one is wanted.
func openOffice(t testing.TB, withToken bool, s settings) *office {
	t.Helper()
	o := &office{backend: startBuiltin(t)}
	o.joe = o.backend.mailbox(t, "joe", threeMails())
	port := freePort(t)
	s.admin += fmt.Sprintf("\n  address = %q\n", loopback(port))
	if withToken {
		secret := make([]byte, 32)
		rand.Read(secret)
		o.token = hex.EncodeToString(secret)
		path := filepath.Join(folder(t), "token")
		if err := os.WriteFile(path, []byte(o.token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		s.admin += fmt.Sprintf("  token_file = %q\n", path)
	}
	s.backends += backend("legacy", o.backend.port()) + many
	o.popgate = startPopgate(t, s)
	o.socket, o.tcp = socketDesk(t, o.popgate), tcpDesk(port, o.token)
	return o
}

// reading are the calls that change nothing and tell of no user, changing the others.
var (
	reading  = []string{"/v1/status", "/v1/sessions", "/v1/backends", "/v1/certificates", "/v1/blocks", "/v1/log", "/metrics"}
	changing = []struct{ method, path, body string }{
		{"POST", "/v1/backends/legacy/drain", ""},
		{"POST", "/v1/backends/legacy/undrain", ""},
		{"DELETE", "/v1/sessions/none-1", ""},
		{"DELETE", "/v1/blocks/all", ""},
		{"POST", "/v1/certificates/" + host + "/renew", ""},
		{"POST", "/v1/certificates/" + host + "/probe", ""},
		{"POST", "/v1/explain", `{"user":"joe","address":"127.0.0.1"}`},
		{"POST", "/v1/reload", ""},
		{"POST", "/v1/drain", ""},
		{"PUT", "/v1/log", `{"level":"debug"}`},
		{"POST", "/v1/trace", `{"user":"joe"}`},
		{"GET", "/v1/config", ""},
		{"GET", "/debug/pprof/", ""},
	}
)

// TestWithoutTokenLoopbackReadsOnly: where no token is set, whoever is on this machine may look, but neither change
// anything nor learn of users.
func TestWithoutTokenLoopbackReadsOnly(t *testing.T) {
	t.Parallel()
	o := openOffice(t, false, settings{admin: "pprof = true"})
	w := dial(t, o.implicit)
	insistLogin(t, w, o.joe, in)
	for _, path := range append(reading, "/healthz", "/readyz") {
		o.tcp.do(t, http.MethodGet, path, "", nil)
		o.socket.do(t, http.MethodGet, path, "", nil)
	}
	for _, call := range changing {
		o.tcp.refuses(t, call.method, call.path, call.body, http.StatusForbidden, "forbidden")
	}
	if s := o.tcp.session(t, w, "logged_in"); s.User != "" {
		t.Errorf("who has no token learns of the user %q", s.User)
	}
	if s := o.socket.session(t, w, "logged_in"); s.User != o.joe.user {
		t.Errorf("through the socket the user is %q, want %q", s.User, o.joe.user)
	}
	w.quit()
}

// TestTokenOpensEverything: with a token set, nobody gets anything without it but the probes, on loopback either; it is
// taken as Bearer and as the password of Basic.
func TestTokenOpensEverything(t *testing.T) {
	t.Parallel()
	o := openOffice(t, true, settings{admin: "pprof = true"})
	none, wrong := o.tcp, o.tcp
	none.token, wrong.token = "", strings.Repeat("0", len(o.token))
	for _, d := range []desk{none, wrong} {
		for _, path := range reading {
			got := d.refuses(t, http.MethodGet, path, "", http.StatusUnauthorized, "unauthorized")
			if !strings.HasPrefix(got.header.Get("WWW-Authenticate"), "Basic ") {
				t.Errorf("%s: a browser wouldn't ask for the token", path)
			}
		}
		for _, call := range changing {
			status, code := http.StatusUnauthorized, "unauthorized"
			d.refuses(t, call.method, call.path, call.body, status, code)
		}
		for _, path := range []string{"/healthz", "/readyz"} {
			d.do(t, http.MethodGet, path, "", nil)
		}
	}
	for _, path := range append(reading, "/debug/pprof/") {
		o.tcp.do(t, http.MethodGet, path, "", nil)
		got, err := none.try(http.MethodGet, path, "", func(r *http.Request) { r.SetBasicAuth("anybody", o.token) })
		if err != nil || got.status != http.StatusOK {
			t.Errorf("%s with Basic: %d, %v", path, got.status, err)
		}
	}
	o.tcp.do(t, http.MethodPut, "/v1/log", `{"level":"info"}`, nil)
	o.socket.do(t, http.MethodPut, "/v1/log", `{"level":"info"}`, nil)
	if log := o.log.text(); strings.Contains(log, o.token) {
		t.Error("the log holds the token")
	}
	if got := o.socket.ask(t, http.MethodGet, "/v1/config", ""); strings.Contains(got.body, o.token) {
		t.Error("the configuration holds the token")
	}
	o.log.wait(t, 1, `admin call refused: .*reason=unauthorized`)
}

// TestForeignPagesGetNothing: a page in an operator's browser reaches popgate neither under a name of its own (DNS
// rebinding), nor from its own origin, with the token either; the names of popgate itself are good.
func TestForeignPagesGetNothing(t *testing.T) {
	t.Parallel()
	o := openOffice(t, true, settings{admin: `hosts = ["popgate.internal"]`})
	for _, test := range []struct {
		name   string
		change func(*http.Request)
		status int
	}{
		{"a name of popgate's", func(r *http.Request) { r.Host = "popgate.internal:9110" }, http.StatusOK},
		{"the host name", func(r *http.Request) { r.Host = host }, http.StatusOK},
		{"another name", func(r *http.Request) { r.Host = "evil.example:9110" }, http.StatusMisdirectedRequest},
		{"an address as a name's part", func(r *http.Request) { r.Host = "127.0.0.1.evil.example" }, http.StatusMisdirectedRequest},
		{"its own origin", func(r *http.Request) { r.Header.Set("Origin", "http://"+r.URL.Host) }, http.StatusOK},
		{"another origin", func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") }, http.StatusForbidden},
		{"no origin at all", func(r *http.Request) { r.Header.Set("Origin", "null") }, http.StatusForbidden},
		{"a script of another site", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, http.StatusForbidden},
	} {
		for _, call := range []struct{ method, path string }{
			{http.MethodGet, "/v1/status"}, {http.MethodGet, "/metrics"}, {http.MethodPost, "/v1/backends/legacy/undrain"},
			{http.MethodGet, "/healthz"},
		} {
			got, err := o.tcp.try(call.method, call.path, "", test.change)
			if err != nil || got.status != test.status {
				t.Errorf("%s: %s %s was answered %d %s, %v; want %d", test.name, call.method, call.path, got.status, got.body, err, test.status)
			}
			if got.header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s: other sites' scripts may read the answer", test.name)
			}
		}
	}
}

// TestCurlAsksPopgate: what the documentation tells operators to type works.
func TestCurlAsksPopgate(t *testing.T) {
	t.Parallel()
	o := openOffice(t, true, settings{})
	program := need(t, "curl")
	dir := t.TempDir()
	for _, args := range [][]string{
		{"--unix-socket", filepath.Join(filepath.Dir(o.config), "admin.sock"), "http://popgate/v1/status"},
		{"-H", "Authorization: Bearer " + o.token, o.tcp.base + "/v1/status"},
		{"-u", "me:" + o.token, o.tcp.base + "/v1/status"},
	} {
		out, result := run(t, dir, "", program, append([]string{"--fail", "--silent", "--show-error"}, args...)...)
		result.ok(t)
		if !strings.Contains(string(out), `"ready":true`) {
			t.Errorf("curl got %s", out)
		}
	}
	if _, result := run(t, dir, "", program, "--fail", "--silent", o.tcp.base+"/v1/status"); result.code == 0 {
		t.Error("curl got in without the token")
	}
}
