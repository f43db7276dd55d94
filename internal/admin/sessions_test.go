package admin

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

// aSession is a session with a value in each field.
func aSession() Session {
	return Session{
		ID: "c3po-1", State: SessionLoggedIn, Began: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Client: "192.0.2.7:51000", Listener: "pop3s",
		TLSVersion: "TLS 1.3", Cipher: "TLS_AES_128_GCM_SHA256", ServerName: "pop.example.com", User: "bob@example.com", Tenant: "acme",
		Mechanism: "PLAIN", Policy: "office", ReadOnly: true, Backend: "legacy", Address: "10.0.0.5:110", Route: "staff", Failures: 1,
		LastReason: "bad_password", FromClient: 120, FromBackend: 4096, Kicked: true,
	}
}

const fullSession = `{"id":"c3po-1","state":"logged_in","began":"2026-03-01T12:00:00Z","client":"192.0.2.7:51000","listener":"pop3s",` +
	`"tls_version":"TLS 1.3","cipher":"TLS_AES_128_GCM_SHA256","server_name":"pop.example.com","user":"bob@example.com","tenant":"acme",` +
	`"mechanism":"PLAIN","policy":"office","read_only":true,"backend":"legacy","address":"10.0.0.5:110","route":"staff","login_failures":1,` +
	`"last_failure":"bad_password","from_client":120,"from_backend":4096,"kicked":true}`

// wantWire checks answers word by word: programs rely on them.
func wantWire(t *testing.T, r *rig, wants map[string]string) {
	t.Helper()
	for request, want := range wants {
		line, body, _ := strings.Cut(request, "\n")
		answer, got := r.ask(t, fmt.Sprintf("%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", line, len(body), body))
		if answer.StatusCode != http.StatusOK || string(got) != want+"\n" {
			t.Errorf("%s: %s\n got %s\nwant %s", request, answer.Status, got, want)
		}
		wantHeader(t, answer)
	}
}

func TestSessionsWire(t *testing.T) {
	bare := Session{ID: "2", State: SessionConnecting, Began: time.Unix(0, 0).UTC(), Client: "[2001:db8::1]:2", Listener: "pop3"}
	r := serve(t, stock{sessions: []Session{aSession(), bare}, kick: func(string) error { return nil }})
	const second = `{"id":"2","state":"connecting","began":"1970-01-01T00:00:00Z","client":"[2001:db8::1]:2","listener":"pop3"}`
	wantWire(t, r, map[string]string{
		"GET /v1/sessions":           `{"sessions":[` + fullSession + `,` + second + `]}`,
		"GET /v1/sessions/c3po-1":    fullSession,
		"DELETE /v1/sessions/c3po-1": `{"kicked":"c3po-1"}`,
	})
	wantWire(t, serve(t, stock{}), map[string]string{"GET /v1/sessions": `{"sessions":[]}`})
	list, err := r.client().Sessions(t.Context())
	must(t, err)
	if want := (SessionList{Sessions: []Session{aSession(), bare}}); !reflect.DeepEqual(list, want) {
		t.Errorf("listed %+v", list)
	}
	one, err := r.client().Session(t.Context(), "c3po-1")
	must(t, err)
	if one != aSession() {
		t.Errorf("one %+v", one)
	}
}

// TestKick: the program hears which session is meant, and the log that it was
// ended.
func TestKick(t *testing.T) {
	got := make(chan string, 1)
	r := serve(t, stock{kick: func(id string) error {
		got <- id
		return nil
	}})
	for _, id := range []string{"c3po-1", "a/b", "x\ny"} {
		must(t, r.client().Kick(t.Context(), id))
		if asked := <-got; asked != id {
			t.Errorf("%q became %q", id, asked)
		}
		r.log.want(t, 1, "[INFO]  admin call: ", `call="kick session"`, fmt.Sprintf("id=%q", id), "result=ok")
	}
	none := serve(t, stock{})
	wantError(t, none.client().Kick(t.Context(), "c3po-1"), ErrUnknownSession)
	none.log.want(t, 1, `call="kick session"`, "result=unknown_session")
	_, err := none.client().Session(t.Context(), "c3po-1")
	wantError(t, err, ErrUnknownSession)
	if answer, _ := none.ask(t, "GET /v1/sessions/x HTTP/1.1\r\nHost: x\r\n\r\n"); answer.StatusCode != http.StatusNotFound {
		t.Error(answer.Status)
	}
}

// TestSessionsAreBounded: a list is one that a client takes, and what was left
// out is said. Strangers' texts can't do anything to a terminal.
func TestSessionsAreBounded(t *testing.T) {
	longest := aSession()
	// The printable form of an octet that is no character has three.
	longest.User, longest.ServerName = strings.Repeat("\xff", 255), strings.Repeat("\xff", 60_000)
	coded, err := encode(longest.Printable(), nil)
	must(t, err)
	if size := (len(coded) + 1 + 500) * maxSessions; size > maxAnswer { // 500 for longer names of the configuration
		t.Errorf("an answer may have %d octets, and a client takes %d", size, maxAnswer)
	}
	const extra = 3
	list := make([]Session, maxSessions+extra)
	for i := range list {
		list[i] = Session{ID: fmt.Sprint(i)}
	}
	list[0].User, list[0].ServerName = "a\x1b[2J\tb", "\u202ex\n"
	got, err := serve(t, stock{sessions: list}).client().Sessions(t.Context())
	must(t, err)
	if len(got.Sessions) != maxSessions || got.More != extra {
		t.Errorf("%d sessions and %d more", len(got.Sessions), got.More)
	}
	if first := got.Sessions[0]; first.User != "a\ufffd[2J b" || first.ServerName != "\ufffdx " {
		t.Errorf("%+v", first)
	}
	if list[0].User != "a\x1b[2J\tb" {
		t.Error("the program's own session was changed")
	}
}

// aBackend is a backend with a value in each field.
func aBackend() Backend {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return Backend{
		Name: "legacy", Addresses: []string{"10.0.0.5:110", "10.0.0.6:110"}, State: BackendDown, Sessions: 7, Connections: 200,
		LastOK: ptr(at), LastError: &Problem{Time: ptr(at.Add(time.Minute)), Detail: "connection refused"},
	}
}

const fullBackend = `{"name":"legacy","addresses":["10.0.0.5:110","10.0.0.6:110"],"state":"down","sessions":7,"connections":200,` +
	`"last_ok":"2026-03-01T12:00:00Z","last_error":{"time":"2026-03-01T12:01:00Z","detail":"connection refused"}}`

func TestBackendsWire(t *testing.T) {
	bare := Backend{Name: "spare", Addresses: []string{"a:110"}, State: BackendUnused}
	r := serve(t, stock{backends: []Backend{aBackend(), bare}, turn: func(string, bool) (Backend, error) { return aBackend(), nil }})
	wantWire(t, r, map[string]string{
		"GET /v1/backends":                 `{"backends":[` + fullBackend + `,{"name":"spare","addresses":["a:110"],"state":"unused","sessions":0}]}`,
		"POST /v1/backends/legacy/drain":   fullBackend,
		"POST /v1/backends/legacy/undrain": fullBackend,
	})
	wantWire(t, serve(t, stock{}), map[string]string{"GET /v1/backends": `{"backends":[]}`})
	list, err := r.client().Backends(t.Context())
	must(t, err)
	if !reflect.DeepEqual(list, []Backend{aBackend(), bare}) {
		t.Errorf("listed %+v", list)
	}
}

// TestDrainBackend: the program hears which backend is meant and what for.
func TestDrainBackend(t *testing.T) {
	got := make(chan string, 1)
	r := serve(t, stock{turn: func(name string, drain bool) (Backend, error) {
		got <- fmt.Sprint(name, " ", drain)
		return Backend{Name: name, State: BackendDraining, LastError: &Problem{Detail: "a\x1b[2J\nb"}}, nil
	}})
	for want, turn := range map[string]func() (Backend, error){
		"a/b true":  func() (Backend, error) { return r.client().DrainBackend(t.Context(), "a/b") },
		"a/b false": func() (Backend, error) { return r.client().UndrainBackend(t.Context(), "a/b") },
	} {
		b, err := turn()
		must(t, err)
		if asked := <-got; asked != want || b.Name != "a/b" || b.LastError.Detail != "a\ufffd[2J b" {
			t.Errorf("%s became %s, %+v", want, asked, b)
		}
	}
	r.log.want(t, 1, "[INFO]  admin call: ", `call="drain backend"`, `backend="a/b"`, "result=ok")
	r.log.want(t, 1, "[INFO]  admin call: ", `call="undrain backend"`, `backend="a/b"`, "result=ok")

	none := serve(t, stock{})
	for _, turn := range []func() (Backend, error){
		func() (Backend, error) { return none.client().DrainBackend(t.Context(), "x") },
		func() (Backend, error) { return none.client().UndrainBackend(t.Context(), "x") },
	} {
		_, err := turn()
		var failed *Error
		if !errors.Is(err, ErrUnknownBackend) || !errors.As(err, &failed) || statuses[failed.Code] != http.StatusNotFound {
			t.Errorf("%v", err)
		}
	}
	none.log.want(t, 2, "admin call", "result=unknown_backend")
}
