package relay

import (
	"io"
	"strings"
	"testing"
)

// A session's script, as the client and as the backend say it.
const (
	clientScript  = "STAT\r\nRETR 1\r\nNOOP\nDELE 12\r\nquit\r\n"
	backendScript = "+OK 2 320\r\n+OK\r\nSubject: x\r\n\r\n..\r\nQUIT\r\n.\r\n+OK\r\n+OK\r\n+OK bye\r\n"
)

// However and wherever a session is cut, the backend gets whole lines only,
// and a QUIT if and only if the client had sent all of it; the client gets what
// the backend had sent and nothing else.
func TestCutsAtEveryOffset(t *testing.T) {
	for _, how := range hangUps {
		t.Run("client "+how, func(t *testing.T) {
			for at := range len(clientScript) + 1 {
				cutByClient(t, how, at)
			}
		})
	}
	for _, how := range []string{"FIN", "RST"} {
		t.Run("backend "+how, func(t *testing.T) {
			for at := range len(backendScript) + 1 {
				cutByBackend(t, how, at)
			}
		})
	}
}

// cutByClient hangs up after the first octets of the client's script.
func cutByClient(t *testing.T, how string, at int) {
	t.Helper()
	r := open(t, fast)
	sent := clientScript[:at]
	want := sent[:strings.LastIndexByte(sent, '\n')+1]
	quit := at == len(clientScript)
	r.send(r.client, sent)
	r.hangUp(how)
	r.expect(r.backend, want)
	if quit {
		r.send(r.backend, "+OK bye\r\n")
		_ = r.backend.Close()
		if how != "RST" {
			r.expectEnd(r.client, "+OK bye\r\n")
		}
	} else {
		r.expectEnd(r.backend, "")
		_ = r.backend.Close()
	}
	wantEnd := EndClientClosed
	switch {
	case quit:
		wantEnd = EndQuit
	case how == "RST":
		wantEnd = EndClientLost
	case len(want) < at:
		wantEnd = EndUnfinished
	}
	result := r.result()
	if result.End != wantEnd || result.Quit != quit || result.FromClient != int64(len(want)) {
		t.Errorf("cut after %q: %+v, want %v", sent, result, wantEnd)
	}
}

// cutByBackend lets the backend die after the first octets of its script.
func cutByBackend(t *testing.T, how string, at int) {
	t.Helper()
	r := open(t, fast)
	r.send(r.client, "STAT\r\nRETR 1\r\nDELE 1")
	r.expect(r.backend, "STAT\r\nRETR 1\r\n")
	sent := backendScript[:at]
	r.send(r.backend, sent)
	wantEnd := EndBackendClosed
	if how == "FIN" {
		_ = r.backend.CloseWrite()
	} else {
		wantEnd = EndBackendLost
		_ = r.backend.Reset()
	}
	r.expectEnd(r.client, sent)
	if r.wire.Ended() != (how == "RST") {
		t.Errorf("cut after %q: a close_notify came: %v", sent, !r.wire.Ended())
	}
	// What the client still says reaches nobody, and ends no line.
	_, _ = io.WriteString(r.client, "2\r\nNOOP\r\n")
	_ = r.client.Close()
	if result := r.result(); result.End != wantEnd || result.FromBackend != int64(at) {
		t.Errorf("cut after %q: %+v, want %v", sent, result, wantEnd)
	}
	if how == "FIN" {
		if got := drainAll(r.backend); got != "" {
			t.Errorf("cut after %q: the backend read %q", sent, got)
		}
	}
}
