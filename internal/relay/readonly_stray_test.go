package relay

import (
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// What a backend says unasked, or for an answer that is none, goes on. Commands
// do too; only a refusal ends the session, as it has no place any more.
func TestReadOnlyBackendAstray(t *testing.T) {
	for _, test := range []struct {
		name string
		up   string // and then
		says string
		seen string // of up
	}{
		{"unasked", "", "-ERR autologout\r\n", ""},
		{"unasked, in part", "", "+O", ""},
		{"unasked behind an answer", "STAT\r\n", "+OK\r\n+OK\r\n", "STAT\r\n"},
		{"unasked behind many lines", "LIST\r\n", "+OK\r\n.\r\n\r\n", "LIST\r\n"},
		{"many lines where one is due", "LIST 1\r\n", "+OK\r\n1 120\r\n.\r\n", "LIST 1\r\n"},
		{"no status line", "RETR 1\r\n", "Subject: x\r\n", "RETR 1\r\n"},
		{"no status line, more to come", "RETR 1\r\nSTAT\r\n", "\r\n", "RETR 1\r\nSTAT\r\n"},
	} {
		virtual(t, test.name, func(t *testing.T) {
			for _, then := range []string{"the backend ends", "a command", "a refusal"} {
				r := open(t, plainTLS, readOnly)
				r.send(r.client, test.up)
				r.expect(r.backend, test.seen)
				r.send(r.backend, test.says)
				r.expect(r.client, test.says)
				synctest.Wait()
				r.alive()
				switch then {
				case "the backend ends":
					_ = r.backend.CloseWrite()
					r.expectEnd(r.client, "")
					_ = r.client.Close()
					r.ends(EndBackendClosed)
				case "a command":
					for range 2 * gateSize { // nothing is noted, so there is always room
						r.send(r.client, "LIST\r\n")
						r.expect(r.backend, "LIST\r\n")
					}
					r.send(r.backend, "+OK\r\n+OK\r\n.")
					r.expect(r.client, "+OK\r\n+OK\r\n.")
					r.send(r.client, "QUIT\r\n")
					r.expect(r.backend, "QUIT\r\n")
					_ = r.backend.CloseWrite()
					r.expectEnd(r.client, "")
					_ = r.client.Close()
					r.ends(EndQuit)
				case "a refusal":
					r.send(r.client, "DELE 1\r\n")
					r.expectEnd(r.client, "")
					if !r.wire.Ended() {
						t.Error("a close_notify came")
					}
					r.expectEnd(r.backend, "")
					r.ends(EndProtocol)
				}
			}
		})
	}
	virtual(t, "a refusal waits", func(t *testing.T) {
		r := open(t, plainTLS, readOnly)
		r.send(r.client, "STAT\r\nDELE 1\r\n")
		r.expect(r.backend, "STAT\r\n")
		r.send(r.backend, "what?\r\n")
		r.expectEnd(r.client, "what?\r\n")
		r.ends(EndProtocol)
	})
	virtual(t, "from the login", func(t *testing.T) {
		for range 50 { // whichever direction is the first
			r := open(t, plainTLS, readOnly, func(o *Options) {
				o.FromClient, o.FromBackend = []byte("STAT\r\n"), []byte("-ERR\r\n")
			})
			r.expect(r.client, "-ERR\r\n")
			r.expect(r.backend, "STAT\r\n")
			r.send(r.client, "DELE 1\r\n")
			r.expectEnd(r.client, "")
			r.ends(EndProtocol)
		}
	})
}

// Refusals and what is said unasked meet at any moment: both stay whole, and
// no refusal comes behind. The race detector judges too.
func TestReadOnlyRefusalsMeetUnaskedOctets(t *testing.T) {
	for range 100 {
		r := open(t, fast, readOnly)
		unasked := "-ERR auto" + strings.Repeat("x", 30_000)
		var wait sync.WaitGroup
		wait.Go(func() {
			for { // until the session ends
				if _, err := io.WriteString(r.client, "DELE 1\r\n"); err != nil {
					return
				}
			}
		})
		wait.Go(func() { _, _ = io.WriteString(r.backend, unasked) })
		got := readAll(r.client)
		rest := strings.TrimLeft(strings.ReplaceAll(got, refusedDelete, "\x00"), "\x00")
		if !strings.HasPrefix(unasked, rest) {
			t.Errorf("the client read %.200q", rest)
		}
		_ = r.client.Close()
		_ = r.backend.Close()
		wait.Wait()
		if end := r.result().End; end != EndProtocol && end != EndClientLost && end != EndBackendLost {
			t.Errorf("the session ended with %v", end)
		}
	}
}
