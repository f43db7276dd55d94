package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// desk is one way in which operators ask a popgate: its socket, or TCP, with a token or without.
type desk struct {
	name   string
	base   string // the URL's beginning
	token  string
	client *http.Client
}

// socketDesk asks through the popgate's socket, which stands beside its configuration.
func socketDesk(t testing.TB, p *popgate) desk {
	t.Helper()
	path := filepath.Join(filepath.Dir(p.config), "admin.sock")
	transport := newTransport()
	transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
	return desk{name: "socket", base: "http://popgate", client: &http.Client{Transport: transport, Timeout: patience}}
}

// tcpDesk asks at a port.
func tcpDesk(port int, token string) desk {
	name := "TCP"
	if token != "" {
		name += " with a token"
	}
	return desk{name: name, base: "http://" + loopback(port), token: token,
		client: &http.Client{Transport: newTransport(), Timeout: patience}}
}

// newTransport leaves no connection behind.
func newTransport() *http.Transport { return &http.Transport{DisableKeepAlives: true} }

// answer is what popgate said.
type answer struct {
	status int
	header http.Header
	body   string
}

// try makes one call. change, if set, makes the request another than usual.
func (d desk) try(method, path, body string, change func(*http.Request)) (answer, error) {
	r, err := http.NewRequest(method, d.base+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if d.token != "" {
		r.Header.Set("Authorization", "Bearer "+d.token)
	}
	if change != nil {
		change(r)
	}
	got, err := d.client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	return answer{got.StatusCode, got.Header, string(text)}, err
}

// ask makes one call that must be answered.
func (d desk) ask(t testing.TB, method, path, body string) answer {
	t.Helper()
	got, err := d.try(method, path, body, nil)
	if err != nil {
		t.Fatalf("%s: %s %s: %v", d.name, method, path, err)
	}
	return got
}

// get makes a call that must go well, and decodes what it answers.
func (d desk) get(t testing.TB, path string, into any) {
	t.Helper()
	d.do(t, http.MethodGet, path, "", into)
}

// do makes a call that must go well; into is nil where the answer doesn't matter.
func (d desk) do(t testing.TB, method, path, body string, into any) {
	t.Helper()
	got := d.ask(t, method, path, body)
	if got.status != http.StatusOK {
		t.Fatalf("%s: %s %s was answered %d %s", d.name, method, path, got.status, got.body)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal([]byte(got.body), into); err != nil {
		t.Fatalf("%s %s: %v in %s", method, path, err, got.body)
	}
}

// refuses makes a call that must be refused so.
func (d desk) refuses(t testing.TB, method, path, body string, status int, code string) answer {
	t.Helper()
	got := d.ask(t, method, path, body)
	if got.status != status || got.code() != code {
		t.Errorf("%s: %s %s was answered %d %s, want %d %s", d.name, method, path, got.status, got.body, status, code)
	}
	return got
}

// code is the code of an error; "": it is none.
func (a answer) code() string {
	var failed struct{ Error struct{ Code string } }
	_ = json.Unmarshal([]byte(a.body), &failed)
	return failed.Error.Code
}

// number is a number of /metrics, by its name and labels as they are written there. What isn't there is 0: some begin
// with the first event.
func (d desk) number(t testing.TB, name string) float64 {
	t.Helper()
	got := d.ask(t, http.MethodGet, "/metrics", "")
	if got.status != http.StatusOK {
		t.Fatalf("metrics: %d %s", got.status, got.body)
	}
	for line := range strings.Lines(got.body) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err != nil {
				t.Fatalf("metrics: %q", line)
			}
			return n
		}
	}
	return 0
}

// session is a session as the API has it.
type session struct {
	ID, State, Client, Listener, User, Backend string
	FromBackend                                int64 `json:"from_backend"`
	Kicked                                     bool
}

// sessions lists the sessions that are open.
func (d desk) sessions(t testing.TB) []session {
	t.Helper()
	var list struct{ Sessions []session }
	d.get(t, "/v1/sessions", &list)
	return list.Sessions
}

// session returns the session of a connection, once it is in that state.
func (d desk) session(t testing.TB, w net.Conn, state string) session {
	t.Helper()
	var found session
	eventually(t, fmt.Sprintf("the session of %v is %s", w.LocalAddr(), state), func() bool {
		for _, s := range d.sessions(t) {
			if s.Client == w.LocalAddr().String() && s.State == state {
				found = s
			}
		}
		return found.ID != ""
	})
	return found
}
