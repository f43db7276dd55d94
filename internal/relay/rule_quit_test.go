package relay

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Rule 10: nothing that the client does after its QUIT cancels it. The backend
// has all of Options.Quit to carry it out, and neither an end of the stream
// nor more bytes disturb it.
func TestRule10ClientLeavesAfterQuit(t *testing.T) {
	for _, how := range hangUps {
		for _, up := range []string{"QUIT\r\n", "QUIT\r\nQUI", "DELE 1\r\nQUIT\r\n", "QUIT\r\n" + strings.Repeat("x", gateSize-1)} {
			virtual(t, how+" after "+up[:min(len(up), 16)], func(t *testing.T) {
				r := open(t, plainTLS)
				r.send(r.client, up)
				synctest.Wait()
				r.hangUp(how)
				r.expect(r.backend, up[:strings.LastIndexByte(up, '\n')+1])
				r.expectQuiet(r.backend)
				pass(2*time.Minute - time.Millisecond)
				r.expectQuiet(r.backend)
				r.alive()
				r.send(r.backend, "+OK bye\r\n")
				_ = r.backend.Close()
				if how != "RST" {
					r.expectEnd(r.client, "+OK bye\r\n")
					_ = r.client.Close()
				}
				if result := r.ends(EndQuit); !result.Quit {
					t.Error("the result knows of no QUIT")
				}
			})
		}
	}
}

// A client may send all it has to say and be gone before the first answer: it
// still said QUIT.
func TestRule10ClientWaitsForNoAnswer(t *testing.T) {
	gone := func(t *testing.T, k kind, buffer int, up string) {
		r := open(t, k)
		_ = r.backend.(interface{ SetReadBuffer(int) error }).SetReadBuffer(buffer)
		if tcp, ok := r.session.backend.(tcpEnd); ok {
			_ = tcp.SetWriteBuffer(buffer)
		}
		r.send(r.client, up)
		if k.tcp {
			// What the client's system still had to send would be lost.
			r.until("all is the relay's", func() bool {
				queue, ok := sendQueue(r.client.(tlsEnd).transport)
				return queue == 0 || !ok
			})
		}
		_ = r.client.Close()
		_ = r.backend.(interface{ SetReadBuffer(int) error }).SetReadBuffer(1 << 20)
		// Now the answers fail while the QUIT waits for the backend to read.
		if got := answer(r.backend); got != up {
			t.Fatalf("the backend got %d octets to %q, want all %d and the QUIT",
				len(got), got[max(0, len(got)-20):], len(up))
		}
		r.ends(EndQuit)
	}
	t.Run("sockets", func(t *testing.T) {
		gone(t, fast, 4<<10, strings.Repeat("DELE 1\r\n", 12_000)+"QUIT\r\n")
	})
	virtual(t, "pipes", func(t *testing.T) {
		gone(t, plain, 8, strings.Repeat("DELE 1\r\n", 100)+"QUIT\r\n")
	})
}

// answer reads lines and answers each with +OK, until it has answered a QUIT
// or the stream ends. It returns all it read.
func answer(conn end) string {
	defer conn.Close()
	var got strings.Builder
	for b := make([]byte, 1); ; {
		if _, err := conn.Read(b); err != nil {
			return got.String()
		}
		got.Write(b)
		if b[0] == '\n' {
			_, _ = io.WriteString(conn, "+OK\r\n")
		}
		if strings.HasSuffix(got.String(), "QUIT\r\n") {
			return got.String()
		}
	}
}

func TestRule10QuitTimeout(t *testing.T) {
	for _, test := range []struct {
		name   string
		idle   time.Duration
		up     string
		answer string // at once
		limit  time.Duration
		end    End
	}{
		{"no answer", 10 * time.Minute, "QUIT\r\n", "", 2 * time.Minute, EndQuitTimeout},
		{"an answer and no end", 10 * time.Minute, "QUIT\r\n", "+OK\r\n", 2 * time.Minute, EndQuitTimeout},
		{"the idle time is shorter", time.Minute, "QUIT\r\n", "", 2 * time.Minute, EndQuitTimeout},
		{"QUIT was not the last word", 10 * time.Minute, "QUIT\r\nSTAT\r\n", "", 10 * time.Minute, EndIdle},
		{"nor was it, the idle time is shorter", time.Minute, "QUIT\r\nSTAT\r\n", "", 2 * time.Minute, EndIdle},
	} {
		virtual(t, test.name, func(t *testing.T) {
			r := open(t, plainTLS, func(o *Options) { o.Idle = test.idle })
			pass(test.idle / 2)
			r.send(r.client, test.up)
			r.expect(r.backend, test.up)
			r.send(r.backend, test.answer)
			pass(test.limit - time.Millisecond)
			r.alive()
			r.expectQuiet(r.backend)
			pass(2 * time.Millisecond)
			r.ends(test.end)
			r.expectEnd(r.backend, "")
			r.expectEnd(r.client, test.answer)
		})
	}
}

// While a QUIT is carried out the backend may go on talking for long, whether
// or not somebody listens.
func TestRule10BackendIsSlow(t *testing.T) {
	for _, listens := range []bool{true, false} {
		virtual(t, fmt.Sprint("the client listens: ", listens), func(t *testing.T) {
			r := open(t, plainTLS)
			r.send(r.client, "RETR 1\r\nQUIT\r\n")
			r.expect(r.backend, "RETR 1\r\nQUIT\r\n")
			if !listens {
				r.hangUp("RST")
			}
			for range 10 {
				pass(2*time.Minute - time.Millisecond)
				r.send(r.backend, "x")
				if listens {
					r.expect(r.client, "x")
				}
			}
			r.expectQuiet(r.backend)
			_ = r.backend.Close()
			_ = r.client.Close()
			r.ends(EndQuit)
		})
	}
}

// Rule 12: a refusal of QUIT is the backend's own, and the session goes on if
// the backend leaves it open.
func TestRule12RefusedQuitIsRelayed(t *testing.T) {
	virtual(t, "and the session goes on", func(t *testing.T) {
		r := open(t, plainTLS)
		r.send(r.client, "DELE 1\r\nQUIT\r\n")
		r.expect(r.backend, "DELE 1\r\nQUIT\r\n")
		refusal := "+OK\r\n-ERR [SYS/TEMP] some deleted messages not removed\r\n"
		r.send(r.backend, refusal)
		r.expect(r.client, refusal)
		r.send(r.client, "STAT\r\n")
		r.expect(r.backend, "STAT\r\n")
		pass(9 * time.Minute)
		r.alive()
		_ = r.backend.Close()
		r.expectEnd(r.client, "")
		_ = r.client.Close()
		if result := r.result(); !result.Quit || result.FromBackend != int64(len(refusal)) {
			t.Errorf("%+v", result)
		}
	})
}

// A QUIT that finds no backend any more is none.
func TestRule1QuitBehindTheEndIsNone(t *testing.T) {
	for _, k := range []kind{fast, plainTLS, fastObserved} {
		r := open(t, k)
		r.send(r.client, "STAT\r\n")
		r.expect(r.backend, "STAT\r\n")
		_ = r.backend.Close()
		r.expectEnd(r.client, "")
		r.send(r.client, "QUIT\r\n")
		_ = r.client.Close()
		if result := r.ends(EndBackendClosed); result.Quit || result.FromClient != int64(len("STAT\r\n")) {
			t.Errorf("%s: %+v, want no QUIT", k.name, result)
		}
	}
}

// The backend's last words arrive though the client goes on sending: a socket
// that is closed with unread bytes would send a RST, and that destroys them.
func TestLastReplySurvivesLateBytes(t *testing.T) {
	for _, k := range []kind{fast, plain, plainTLS, plainObserved} {
		t.Run(k.name, func(t *testing.T) {
			r := open(t, k)
			r.send(r.client, "QUIT\r\n")
			r.expect(r.backend, "QUIT\r\n")
			r.send(r.backend, "+OK bye\r\n")
			_ = r.backend.Close()
			// The first octet shows that the end is on its way.
			r.expect(r.client, "+")
			for range 100 {
				r.send(r.client, "NOOP\r\nNOOP\r\n")
			}
			r.expectEnd(r.client, "OK bye\r\n")
			if transport, ok := r.client.(tlsEnd); ok {
				_ = transport.CloseWrite()
				r.expectEnd(transport.transport, "") // a FIN and not a RST
			}
			_ = r.client.Close()
			r.ends(EndQuit)
		})
	}
}

// A message that was fetched just before QUIT arrives whole, however late the
// client reads it. At some of these sizes the last chunk finds no room left.
func TestRule3LastChunkWaitsForTheClient(t *testing.T) {
	for size := 64 << 10; size <= 1<<20; size += 32 << 10 {
		r := open(t, fast)
		_ = r.client.(tlsEnd).transport.(tcpEnd).SetReadBuffer(64 << 10)
		_ = r.session.beneath.Conn.(*net.TCPConn).SetWriteBuffer(64 << 10)
		r.send(r.client, "RETR 1\r\nQUIT\r\n")
		r.expect(r.backend, "RETR 1\r\nQUIT\r\n")
		r.send(r.backend, strings.Repeat("0123456789abcd\r\n", size/16)+".\r\n+OK bye\r\n")
		_ = r.backend.Close()
		r.until("nothing moves", r.still)
		r.expectEnd(r.client, strings.Repeat("0123456789abcd\r\n", size/16)+".\r\n+OK bye\r\n")
		if r.wire.Ended() {
			t.Errorf("no close_notify came before the FIN, after %d octets", size)
		}
		_ = r.client.Close()
		r.ends(EndQuit)
	}
}

// What a backend said before it went arrives, though a line for it can't be
// written any more.
func TestLastReplySurvivesAFailedWrite(t *testing.T) {
	virtual(t, "the client reads late", func(t *testing.T) {
		r := open(t, plainTLS)
		_ = r.client.(tlsEnd).transport.(*pipeEnd).SetReadBuffer(512)
		words := strings.Repeat("0123456789abcd\r\n", 60<<10/16)
		r.send(r.backend, words)
		synctest.Wait() // taken, and stuck on its way to the client
		r.send(r.backend, words)
		_ = r.backend.Close()
		r.send(r.client, "NOOP\r\n")
		synctest.Wait()
		r.expectEnd(r.client, words+words)
		_ = r.client.Close()
		r.ends(EndBackendClosed)
	})
}

// A client that doesn't close after the backend has gets a moment, and no more.
func TestLingerHasALimit(t *testing.T) {
	virtual(t, "a client that talks on", func(t *testing.T) {
		r := open(t, plainTLS)
		_ = r.backend.Close()
		r.expectEnd(r.client, "")
		start := time.Now()
		for len(r.done) == 0 && time.Since(start) < time.Minute {
			_, _ = io.WriteString(r.client, "NOOP\r\n")
			pass(100 * time.Millisecond)
		}
		if took := time.Since(start); took > lingerTime+time.Second {
			t.Errorf("the session lingered for %v", took)
		}
		r.ends(EndBackendClosed)
	})
}
