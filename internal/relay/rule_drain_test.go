package relay

import (
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Rule 11: a session that is drained ends without QUIT and without a word.
func TestRule11Expire(t *testing.T) {
	for _, test := range []struct{ name, up, down string }{
		{"silent", "", ""},
		{"deletes pending", "DELE 1\r\nDELE 2\r\n", "+OK\r\n+OK\r\n"},
		{"inside a line", "DELE 1\r\nQUI", "+OK\r\n"},
		{"inside RETR", "RETR 1\r\n", "+OK 1000 octets\r\nhalf a li"},
	} {
		virtual(t, test.name, func(t *testing.T) {
			r := open(t, plainTLS)
			r.send(r.client, test.up)
			r.expect(r.backend, test.up[:letThrough([]byte(test.up))])
			r.send(r.backend, test.down)
			r.expect(r.client, test.down)
			synctest.Wait()
			start := time.Now()
			r.session.Expire()
			if result := r.ends(EndDrained); result.Quit || time.Since(start) > 0 {
				t.Errorf("%+v after %v", result, time.Since(start))
			}
			r.expectEnd(r.client, "")
			r.expectEnd(r.backend, "")
			if r.wire.Ended() {
				t.Error("no close_notify came before the FIN")
			}
			r.session.Expire() // once more harms nobody
		})
	}
}

// Rules 10 and 11: draining doesn't cut a QUIT that is on its way.
func TestRule11ExpireWaitsForQuit(t *testing.T) {
	const limit = 2 * time.Minute // of the rig
	virtual(t, "answered", func(t *testing.T) {
		r := open(t, plainTLS)
		r.send(r.client, "QUIT\r\n")
		r.expect(r.backend, "QUIT\r\n")
		r.session.Expire()
		pass(limit - time.Millisecond)
		r.alive()
		r.send(r.backend, "+OK bye\r\n")
		_ = r.backend.Close()
		r.expectEnd(r.client, "+OK bye\r\n")
		_ = r.client.Close()
		r.ends(EndQuit)
	})
	virtual(t, "answered, the client has left", func(t *testing.T) {
		r := open(t, plainTLS)
		r.send(r.client, "QUIT\r\n")
		r.expect(r.backend, "QUIT\r\n")
		r.session.Expire()
		r.hangUp("RST")
		pass(limit - time.Millisecond)
		r.expectQuiet(r.backend)
		_ = r.backend.Close()
		r.ends(EndQuit)
	})
	for _, late := range []time.Duration{0, time.Minute} {
		virtual(t, "not answered, drained "+late.String()+" later", func(t *testing.T) {
			r := open(t, plainTLS)
			r.send(r.client, "QUIT\r\n")
			r.expect(r.backend, "QUIT\r\n")
			pass(late)
			r.session.Expire()
			pass(limit - late - time.Millisecond)
			r.alive()
			r.expectQuiet(r.backend)
			pass(2 * time.Millisecond)
			r.ends(EndDrained)
			r.expectEnd(r.backend, "")
		})
	}
}

// A writer that is stuck doesn't hold up the end.
func TestRule11ExpireFreesAStuckWriter(t *testing.T) {
	for _, k := range []kind{fast, plainTLS, fastObserved} {
		t.Run(k.name, func(t *testing.T) {
			r := open(t, k)
			sent := make(chan error, 1)
			go func() {
				_, err := r.backend.Write(make([]byte, 50<<20))
				sent <- err
			}()
			r.until("a write to the client is stuck", func() bool { return r.stuck() })
			r.session.Expire()
			r.ends(EndDrained)
			if err := <-sent; err == nil {
				t.Error("somebody took 50 MB")
			}
		})
	}
}

// A fault in one direction ends this session alone, with its stack told.
func TestPanicEndsTheSession(t *testing.T) {
	for _, test := range []struct {
		name string
		f    faulty
	}{
		{"reading", faulty{onRead: true}},
		{"writing", faulty{onWrite: true}},
	} {
		virtual(t, test.name, func(t *testing.T) {
			r := open(t, plain, func(o *Options) {
				test.f.Stream = o.Client
				o.Client = test.f
			})
			_, _ = r.client.Write([]byte("DELE 1\r\n")) // the end may have come already
			_, _ = r.backend.Write([]byte("+OK\r\n"))
			if got := drainAll(r.backend); strings.Contains(got, "QUIT") {
				t.Errorf("the backend got %q", got)
			}
			result := r.ends(EndFault)
			if result.Err == nil || !strings.Contains(result.Err.Error(), "out of order") ||
				!strings.Contains(result.Err.Error(), "relay.(*Session)") {
				t.Errorf("%v, want the cause and the stack", result.Err)
			}
			if _, err := r.session.beneath.Conn.Read(nil); !errors.Is(err, net.ErrClosed) {
				t.Errorf("the client's connection is still open: %v", err)
			}
			if r.session.beneath.mode == holding {
				t.Error("the connection still has a buffer that others may use by now")
			}
		})
	}
}

// faulty is a stream with a bug.
type faulty struct {
	Stream
	onRead, onWrite bool
}

func (f faulty) Read(p []byte) (int, error) {
	if f.onRead {
		panic("out of order")
	}
	return f.Stream.Read(p)
}

func (f faulty) Write(p []byte) (int, error) {
	if f.onWrite {
		panic("out of order")
	}
	return f.Stream.Write(p)
}
