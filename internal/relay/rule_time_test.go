package relay

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Rule 9: the idle limit counts traffic in both directions and ends silently:
// the client reads nothing but the end, the backend nothing at all.
func TestRule9Silence(t *testing.T) {
	for _, k := range []kind{plain, plainTLS, plainObserved} {
		virtual(t, k.name, func(t *testing.T) {
			r := open(t, k)
			pass(10*time.Minute - time.Millisecond)
			r.alive()
			r.expectQuiet(r.client)
			r.expectQuiet(r.backend)
			pass(2 * time.Millisecond)
			r.ends(EndIdle)
			r.expectEnd(r.client, "")
			r.expectEnd(r.backend, "")
			if k.tls != 0 && r.wire.Ended() {
				t.Error("no close_notify came before the FIN")
			}
		})
	}
}

func TestRule9TrafficKeepsAlive(t *testing.T) {
	for _, test := range []struct {
		name    string
		traffic func(r *rig)
	}{
		{"lines of the client", func(r *rig) {
			r.send(r.client, "NOOP\r\n")
			r.expect(r.backend, "NOOP\r\n")
		}},
		{"octets of the client, held back", func(r *rig) { r.send(r.client, "x") }},
		{"octets of the backend", func(r *rig) {
			r.send(r.backend, "x")
			r.expect(r.client, "x")
		}},
	} {
		virtual(t, test.name, func(t *testing.T) {
			r := open(t, plainTLS)
			for range 20 {
				pass(10*time.Minute - time.Millisecond)
				r.alive()
				test.traffic(r)
			}
			pass(10*time.Minute - time.Millisecond)
			r.alive()
			pass(2 * time.Millisecond)
			r.ends(EndIdle)
		})
	}
}

func TestHalfClosed(t *testing.T) {
	const limit = 2 * time.Minute // of the rig
	virtual(t, "the client reads on", func(t *testing.T) {
		r := open(t, plainTLS)
		r.send(r.client, "STAT\r\nRETR 1\r\n")
		r.hangUp("close_notify")
		r.expectEnd(r.backend, "STAT\r\nRETR 1\r\n")
		for range 10 {
			pass(limit - time.Millisecond)
			r.send(r.backend, "x")
			r.expect(r.client, "x")
		}
		_ = r.backend.Close()
		r.expectEnd(r.client, "")
		r.ends(EndClientClosed)
	})
	virtual(t, "a silent backend", func(t *testing.T) {
		r := open(t, plainTLS)
		r.hangUp("close_notify")
		pass(limit - time.Millisecond)
		r.alive()
		pass(2 * time.Millisecond)
		r.ends(EndHalfClosed)
	})
	virtual(t, "the backend was silent before", func(t *testing.T) {
		r := open(t, plainTLS)
		r.send(r.client, "RETR 1\r\n")
		r.expect(r.backend, "RETR 1\r\n")
		pass(5 * time.Minute)
		r.hangUp("close_notify")
		r.expectEnd(r.backend, "")
		pass(limit - time.Millisecond)
		r.send(r.backend, "+OK\r\n")
		_ = r.backend.Close()
		r.expectEnd(r.client, "+OK\r\n")
		r.ends(EndClientClosed)
	})
	// It is the backend's silence that counts: while the client has yet to
	// read, no limit is below the idle time.
	virtual(t, "the client stops reading", func(t *testing.T) {
		r := open(t, plainTLS)
		message := strings.Repeat("x", 1<<20)
		sent := make(chan error, 1)
		r.send(r.client, "RETR 1\r\n")
		r.hangUp("close_notify")
		r.expectEnd(r.backend, "RETR 1\r\n")
		go func() {
			_, err := r.backend.Write([]byte(message))
			sent <- err
			_ = r.backend.Close()
		}()
		pass(10*time.Minute - time.Second)
		r.expectEnd(r.client, message)
		if err := <-sent; err != nil {
			t.Error(err)
		}
		r.ends(EndClientClosed)
	})
}

// A client that reads nothing of 50 MB costs two buffers and what the
// kernel takes, and ends after the idle time, not sooner.
func TestStalledClient(t *testing.T) {
	for _, test := range []struct {
		up  string
		end End
	}{
		{"RETR 1\r\n", EndIdle},
		{"RETR 1\r\nQUIT\r\n", EndIdle}, // the client is silent, not the backend
	} {
		virtual(t, test.up, func(t *testing.T) {
			r := open(t, plainTLS)
			r.send(r.client, test.up)
			r.expect(r.backend, test.up)
			sent := make(chan int, 1)
			go func() {
				n, _ := r.backend.Write(make([]byte, 50<<20))
				sent <- n
			}()
			synctest.Wait()
			// One chunk is in the client's pipe, sealed, and one is being sent.
			if _, n := r.session.Bytes(); n > 2*chunk {
				t.Errorf("the relay has taken %d octets", n)
			}
			pass(10*time.Minute - time.Millisecond)
			r.alive()
			pass(2 * time.Millisecond)
			r.ends(test.end)
			if n := <-sent; n > 4*chunk {
				t.Errorf("the backend could send %d octets", n)
			}
			if got := drainAll(r.backend); got != "" {
				t.Errorf("the backend got %q", got)
			}
		})
	}
}

// drainAll reads what there is until the connection ends in any way.
func drainAll(conn end) string {
	var got strings.Builder
	for b := make([]byte, 512); ; {
		n, err := conn.Read(b)
		got.Write(b[:n])
		if err != nil {
			return got.String()
		}
	}
}

// Silence in one direction is no silence: a client that uploads lines while a
// long answer waits, and a long answer while the client says nothing.
func TestRule9BothDirectionsCount(t *testing.T) {
	virtual(t, "in turns", func(t *testing.T) {
		r := open(t, plainTLS)
		for i := range 20 {
			pass(6 * time.Minute)
			if i%2 == 0 {
				r.send(r.client, "NOOP\r\n")
				r.expect(r.backend, "NOOP\r\n")
			} else {
				r.send(r.backend, "+OK\r\n")
				r.expect(r.client, "+OK\r\n")
			}
			r.alive()
		}
		_ = r.client.Reset()
		r.ends(EndClientLost)
	})
}
