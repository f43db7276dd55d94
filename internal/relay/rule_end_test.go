package relay

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Rule 5: what has gone to a backend is not sent again, wherever it died.
func TestRule5NothingIsSentAgain(t *testing.T) {
	r := open(t, fast)
	r.send(r.client, "DELE 1\r\nDELE 2\r\n")
	r.expect(r.backend, "DELE 1\r\nDELE")
	_ = r.backend.Reset()
	if rest, _ := io.ReadAll(r.client); len(rest) > 0 {
		t.Errorf("the client read %q", rest)
	}
	_ = r.client.Close()
	if result := r.ends(EndBackendLost); result.FromClient != int64(len("DELE 1\r\nDELE 2\r\n")) {
		t.Errorf("%d octets went out, want each once", result.FromClient)
	}
}

// Rule 6: a client's session is one backend connection. However it ends, both
// are closed, and nothing is left to be used again.
func TestRule6EveryEndClosesBoth(t *testing.T) {
	for _, test := range []struct {
		end End
		do  func(r *rig)
	}{
		{EndQuit, func(r *rig) {
			r.send(r.client, "QUIT\r\n")
			r.expect(r.backend, "QUIT\r\n")
			_ = r.backend.CloseWrite()
			r.expectEnd(r.client, "")
			_ = r.client.CloseWrite()
		}},
		{EndBackendClosed, func(r *rig) {
			_ = r.backend.CloseWrite()
			r.expectEnd(r.client, "")
			_ = r.client.CloseWrite()
		}},
		{EndBackendLost, func(r *rig) {
			_ = r.backend.Reset()
			r.expectEnd(r.client, "")
			_ = r.client.CloseWrite()
		}},
		{EndClientClosed, func(r *rig) {
			_ = r.client.CloseWrite()
			r.expectEnd(r.backend, "")
			_ = r.backend.CloseWrite()
		}},
		{EndClientLost, func(r *rig) { _ = r.client.Reset() }},
		{EndUnfinished, func(r *rig) {
			r.send(r.client, "DELE 1")
			_ = r.client.CloseWrite()
		}},
		{EndIdle, func(r *rig) { pass(10*time.Minute + time.Second) }},
		{EndQuitTimeout, func(r *rig) {
			r.send(r.client, "QUIT\r\n")
			r.expect(r.backend, "QUIT\r\n")
			pass(2*time.Minute + time.Second)
		}},
		{EndHalfClosed, func(r *rig) {
			_ = r.client.CloseWrite()
			pass(2*time.Minute + time.Second)
		}},
		{EndDrained, func(r *rig) { r.session.Expire() }},
	} {
		virtual(t, test.end.String(), func(t *testing.T) {
			r := open(t, plainTLS)
			r.send(r.backend, "+OK\r\n")
			r.expect(r.client, "+OK\r\n")
			synctest.Wait()
			start := time.Now()
			test.do(r)
			r.ends(test.end)
			if took := time.Since(start); took > 11*time.Minute {
				t.Errorf("it took %v", took)
			}
			for name, conn := range map[string]net.Conn{"client": r.session.beneath, "backend": r.session.backend} {
				if _, err := conn.Read(nil); !errors.Is(err, net.ErrClosed) {
					t.Errorf("the %s's connection is still open: %v", name, err)
				}
			}
		})
	}
}

// Rule 7: when the backend dies, the client sees the end of the stream and no
// octet that the backend didn't send. Only an end that the backend itself made
// in good order comes with a close_notify.
func TestRule7BackendDiesInsideRETR(t *testing.T) {
	half := "+OK 1000 octets\r\nSubject: half a mes"
	for _, k := range []kind{fast, plainTLS, fastObserved} {
		for _, test := range []struct {
			name string
			die  func(r *rig) error
			end  End
			fin  bool // without a close_notify
		}{
			{"FIN", func(r *rig) error { return r.backend.Close() }, EndBackendClosed, false},
			{"RST", func(r *rig) error { return r.backend.Reset() }, EndBackendLost, true},
		} {
			t.Run(k.name+" "+test.name, func(t *testing.T) {
				r := open(t, k)
				r.send(r.client, "RETR 1\r\n")
				r.expect(r.backend, "RETR 1\r\n")
				r.send(r.backend, half)
				r.expect(r.client, half)
				if err := test.die(r); err != nil {
					t.Fatal(err)
				}
				r.expectEnd(r.client, "")
				if r.wire.Ended() != test.fin {
					t.Errorf("the client's stream ended by a bare FIN: %v, want %v", !test.fin, test.fin)
				}
				_ = r.client.Close()
				if result := r.ends(test.end); result.FromBackend != int64(len(half)) {
					t.Errorf("%+v", result)
				}
			})
		}
	}
}

// Rule 8: when the client dies, the backend's connection closes, without QUIT.
func TestRule8ClientDies(t *testing.T) {
	for _, k := range []kind{fast, plainTLS, fastObserved} {
		for _, test := range []struct {
			name string
			die  func(r *rig)
			end  End
		}{
			{"close_notify", func(r *rig) { r.hangUp("close_notify") }, EndClientClosed},
			{"close_notify and FIN", func(r *rig) { r.hangUp("close_notify and FIN") }, EndClientClosed},
			{"FIN", func(r *rig) { r.hangUp("FIN") }, EndClientClosed},
			{"FIN inside a record", func(r *rig) {
				r.send(r.client.(tlsEnd).transport, "\x17\x03\x03\x00\x20QUIT\r\n")
				r.hangUp("FIN")
			}, EndClientLost},
			{"no TLS at all", func(r *rig) { r.send(r.client.(tlsEnd).transport, "QUIT\r\nQUIT\r\n") }, EndClientLost},
			{"RST", func(r *rig) { r.hangUp("RST") }, EndClientLost},
		} {
			t.Run(k.name+" "+test.name, func(t *testing.T) {
				r := open(t, k)
				r.send(r.client, "DELE 1\r\n")
				r.expect(r.backend, "DELE 1\r\n")
				test.die(r)
				r.expectEnd(r.backend, "")
				_ = r.backend.Close()
				if result := r.ends(test.end); result.Quit {
					t.Error("a QUIT went out")
				}
			})
		}
	}
}

// The same while the backend sends: its output has nobody to go to.
func TestRule8ClientDiesInsideRETR(t *testing.T) {
	r := open(t, fast)
	r.send(r.client, "DELE 1\r\nRETR 2\r\n")
	r.expect(r.backend, "DELE 1\r\nRETR 2\r\n")
	sent := make(chan error, 1)
	go func() {
		line := strings.Repeat("x", 998) + "\r\n"
		for {
			if _, err := io.WriteString(r.backend, line); err != nil {
				sent <- err
				return
			}
		}
	}()
	r.expect(r.client, strings.Repeat("x", 998))
	r.hangUp("RST")
	<-sent
	if result := r.ends(EndClientLost); result.Quit || result.FromClient != int64(len("DELE 1\r\nRETR 2\r\n")) {
		t.Errorf("%+v", result)
	}
}
