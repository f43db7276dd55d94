package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestSessionsAreListedAndKicked: an operator sees each session and its state, and can end one: before login its client is told
// so, after it nothing is deleted.
func TestSessionsAreListedAndKicked(t *testing.T) {
	t.Parallel()
	o := openOffice(t, false, settings{})
	waiting, reading, other := dial(t, o.starttls), dial(t, o.implicit), dial(t, o.implicit)
	insistLogin(t, reading, o.joe, in)
	insistLogin(t, other, o.joe, in)
	reading.multi("RETR 1")
	reading.ok("DELE 1")
	before := o.socket.session(t, waiting, "waiting")
	inside := o.socket.session(t, reading, "logged_in")
	if before.Listener != "pop3-starttls" || before.User != "" || inside.Listener != "pop3-implicit" ||
		inside.User != "joe" || inside.Backend != "legacy" || inside.FromBackend < 100 {
		t.Errorf("sessions are shown as %+v and %+v", before, inside)
	}
	var one session
	o.socket.get(t, "/v1/sessions/"+inside.ID, &one)
	if one.ID != inside.ID || one.Client != inside.Client {
		t.Errorf("session %s is shown as %+v", inside.ID, one)
	}
	o.socket.refuses(t, http.MethodGet, "/v1/sessions/nobody-1", "", http.StatusNotFound, "unknown_session")

	o.socket.do(t, http.MethodDelete, "/v1/sessions/"+before.ID, "", nil)
	if rest := waiting.end(); !strings.HasPrefix(rest, "-ERR [SYS/TEMP] ") {
		t.Errorf("who was kicked before login was told %q", rest)
	}
	o.socket.do(t, http.MethodDelete, "/v1/sessions/"+inside.ID, "", nil)
	if rest := reading.end(); rest != "" {
		t.Errorf("who was kicked while reading was told %q", rest)
	}
	o.backend.closed(t, 1)
	if left := o.backend.left(t, o.joe); len(left) != 3 {
		t.Errorf("the mailbox holds %q after a kick, want all mails", left)
	}
	o.log.wait(t, 2, `session: .*end=kicked`)
	eventually(t, "sessions that were kicked are gone", func() bool { return len(o.socket.sessions(t)) == 1 })
	o.socket.refuses(t, http.MethodDelete, "/v1/sessions/"+inside.ID, "", http.StatusNotFound, "unknown_session")
	o.log.wait(t, 2, `admin call: call="kick session" id=\S+ result=ok`)
	other.ok("NOOP")
	other.quit()
}

// backendView is a backend as the API has it.
type backendView struct {
	Name, State string
	Sessions    int
	LastError   *struct{ Detail string } `json:"last_error"`
}

// backend returns what the API says of the one backend.
func (d desk) backend(t testing.TB) backendView {
	t.Helper()
	var list struct{ Backends []backendView }
	d.get(t, "/v1/backends", &list)
	if len(list.Backends) != 1 {
		t.Fatalf("backends: %+v", list)
	}
	return list.Backends[0]
}

// TestBackendsAreDrained: a backend that is drained keeps who is there and lets nobody in, and clients are told to come again;
// what is wrong with one that is gone can be read.
func TestBackendsAreDrained(t *testing.T) {
	t.Parallel()
	o := openOffice(t, false, settings{})
	if got := o.socket.backend(t); got.State != "unused" || got.Sessions != 0 {
		t.Errorf("at first: %+v", got)
	}
	w := dial(t, o.implicit)
	insistLogin(t, w, o.joe, in)
	if got := o.socket.backend(t); got.State != "up" || got.Sessions != 1 {
		t.Errorf("with a session: %+v", got)
	}
	o.socket.do(t, http.MethodPost, "/v1/backends/legacy/drain", "", nil)
	insistLogin(t, dial(t, o.implicit), o.joe, "-ERR [SYS/TEMP] ")
	if got := o.socket.backend(t); got.State != "draining" || got.Sessions != 1 {
		t.Errorf("draining: %+v", got)
	}
	w.ok("NOOP")
	o.socket.do(t, http.MethodPost, "/v1/reload", "", nil)
	insistLogin(t, dial(t, o.implicit), o.joe, "-ERR [SYS/TEMP] ")
	o.socket.do(t, http.MethodPost, "/v1/backends/legacy/undrain", "", nil)
	again := dial(t, o.implicit)
	insistLogin(t, again, o.joe, in)
	again.quit()
	w.quit()
	o.socket.refuses(t, http.MethodPost, "/v1/backends/nowhere/drain", "", http.StatusNotFound, "unknown_backend")
	o.log.wait(t, 1, `admin call: call="drain backend" backend="?legacy"? result=ok`)

	o.backend.listener.Close()
	insistLogin(t, dial(t, o.implicit), o.joe, "-ERR [SYS/TEMP] ")
	if got := o.tcp.backend(t); got.State != "down" || got.LastError == nil || !strings.Contains(got.LastError.Detail, "refused") {
		t.Errorf("gone: %+v", got)
	}
}

// TestBlocksAreListedAndLifted: what wrong passwords have led to can be seen, by those who may know whom, and lifted.
func TestBlocksAreListedAndLifted(t *testing.T) {
	t.Parallel()
	const stranger = "127.0.9.1"
	needAddresses(t, stranger)
	b := startBuiltin(t)
	joe := b.mailbox(t, "joe", nil)
	port := freePort(t)
	p := startPopgate(t, settings{
		backends: backend("legacy", b.port()) + "blocking {\n  failures_per_user = 2\n}\n",
		admin:    fmt.Sprintf("address = %q", loopback(port)),
	})
	d := socketDesk(t, p)
	w := dialFrom(t, p.implicit, stranger)
	for range 2 {
		insistLogin(t, w, account{joe.user, newPassword()}, refused)
	}
	type block struct{ Address, User, Check string }
	list := func(d desk) []block {
		var list struct{ Blocks []block }
		d.get(t, "/v1/blocks", &list)
		return list.Blocks
	}
	if got := list(d); len(got) != 1 || got[0].User != "joe" || !strings.HasPrefix(got[0].Address, stranger) {
		t.Errorf("blocks: %+v", got)
	}
	if got := list(tcpDesk(port, "")); len(got) != 1 || got[0].User != "" {
		t.Errorf("blocks as strangers on loopback see them: %+v", got)
	}
	var cleared struct{ Cleared int }
	d.do(t, http.MethodDelete, "/v1/blocks/"+stranger+"?user=joe", "", &cleared)
	if got := list(d); cleared.Cleared != 1 || len(got) != 0 {
		t.Errorf("cleared %d, left %+v", cleared.Cleared, got)
	}
	insistLogin(t, dialFrom(t, p.implicit, stranger), joe, in)
	d.refuses(t, http.MethodDelete, "/v1/blocks/nonsense", "", http.StatusBadRequest, "bad_request")
}
