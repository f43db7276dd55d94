package relay

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// wrapWith puts a recorder between the relay and the client's transport.
func wrapWith(below *recorder) func(net.Conn) net.Conn {
	return func(c net.Conn) net.Conn {
		below.Conn = c
		return below
	}
}

// Rules 1, 2 and 10 hold: the backend gets as many QUITs as the client has
// sent whole, wherever among refused lines, and whatever the client does then.
func TestReadOnlyQuits(t *testing.T) {
	for _, test := range []struct{ up, want string }{
		{"DELE 1\r\n", ""},
		{"DELE 1\r\nQUIT", ""},
		{"DELE 1\r\nQUIT\r", ""},
		{"DELE 1\r\nquit\n", ""}, // refused: not ended by CRLF
		{"DELE 1\r\nQUIT\r\n", "QUIT\r\n"},
		{"STAT\r\nDELE 1\r\nQUIT\r\nDELE 1\r\n", "STAT\r\nQUIT\r\n"},
		{"QUIT\r\nX\r\nQUIT\r\n", "QUIT\r\nQUIT\r\n"},
		{"DELE 1\r\nRETR 1", ""},
		{strings.Repeat("DELE 1\r\n", 300) + "QUIT\r\n", "QUIT\r\n"},
		{strings.Repeat("NOOP\r\nDELE 1\r\n", 300) + "QUIT\r\n", strings.Repeat("NOOP\r\n", 300) + "QUIT\r\n"},
		{strings.Repeat("x", 1000) + "\r\nQUIT\r\nDE", "QUIT\r\n"},
	} {
		for _, how := range hangUps {
			virtual(t, how+" after "+test.up[:min(30, len(test.up))], func(t *testing.T) {
				r := open(t, plainTLS, readOnly)
				r.send(r.client, test.up)
				synctest.Wait()
				r.hangUp(how)
				if got := serve(r.backend); got != test.want {
					t.Errorf("the backend got %q, want %q", got, test.want)
				}
				quit := strings.Contains(test.want, "QUIT")
				if result := r.result(); result.Quit != quit || result.FromClient != int64(len(test.want)) {
					t.Errorf("%+v", result)
				}
			})
		}
	}
}

// Rule 10: a QUIT behind more lines than can be noted gets there, though the
// client is gone and every answer fails.
func TestReadOnlyQuitBehindManyLines(t *testing.T) {
	for _, line := range []string{"NOOP\r\n", "DELE 1\r\n", "NOOP\r\nX\r\n"} {
		virtual(t, fmt.Sprintf("%q", line), func(t *testing.T) {
			r := open(t, plain, readOnly)
			up := strings.Repeat(line, 1500) + "QUIT\r\n"
			_ = r.session.beneath.Conn.(*pipeEnd).SetReadBuffer(len(up))
			_ = r.client.(*pipeEnd).SetReadBuffer(8)
			r.send(r.client, up)
			_ = r.client.Close()
			want := strings.ReplaceAll(strings.ReplaceAll(up, "DELE 1\r\n", ""), "X\r\n", "")
			if got := answer(r.backend); got != want {
				t.Errorf("the backend got %d octets to %q, want all %d", len(got), got[max(0, len(got)-20):], len(want))
			}
			r.ends(EndQuit)
		})
	}
}

// All answers reach a client that has said all it had to say.
func TestReadOnlyHalfClose(t *testing.T) {
	for _, how := range hangUps[:3] {
		virtual(t, how, func(t *testing.T) {
			r := open(t, plainTLS, readOnly)
			r.send(r.client, "STAT\r\nDELE 1\r\nRETR 1\r\nDELE 2\r\nX\r\n")
			synctest.Wait()
			r.hangUp(how)
			r.expectEnd(r.backend, "STAT\r\nRETR 1\r\n")
			pass(2*time.Minute - time.Millisecond) // the rig's limit
			r.send(r.backend, "+OK\r\n+OK\r\nhi\r\n")
			r.expect(r.client, "+OK\r\n"+refusedDelete+"+OK\r\nhi\r\n")
			pass(2*time.Minute - time.Millisecond)
			r.alive()
			r.send(r.backend, ".\r\n")
			_ = r.backend.Close()
			r.expectEnd(r.client, ".\r\n"+refusedDelete+refusedCommand)
			r.ends(EndClientClosed)
		})
	}
	virtual(t, "a silent backend", func(t *testing.T) {
		r := open(t, plainTLS, readOnly)
		r.send(r.client, "STAT\r\nDELE 1\r\n")
		synctest.Wait()
		r.hangUp("close_notify")
		pass(2*time.Minute + time.Millisecond)
		r.ends(EndHalfClosed)
		r.expectEnd(r.client, "")
	})
}

// Rule 7: wherever in its answers the backend dies, the client reads what it
// had said, refusals before it, and no octet behind it.
func TestReadOnlyBackendDies(t *testing.T) {
	const (
		up   = "DELE 1\r\nSTAT\r\nDELE 2\r\nRETR 1\r\nX\r\nNOOP\r\n"
		stat = "+OK 1 120\r\n"
		mail = "+OK\r\nhi\r\n..\r\n.\r\n"
	)
	for _, k := range []kind{plainTLS, fast, fastObserved} {
		for _, how := range []string{"FIN", "RST"} {
			t.Run(k.name+" "+how, func(t *testing.T) {
				for at := range len(stat) + len(mail) + 1 {
					r := open(t, k, readOnly)
					r.send(r.client, up)
					r.expect(r.backend, "STAT\r\nRETR 1\r\nNOOP\r\n")
					said := (stat + mail)[:at]
					want := refusedDelete + said
					if at >= len(stat) {
						want = refusedDelete + stat + refusedDelete + said[len(stat):]
					}
					if at == len(stat)+len(mail) {
						want += refusedCommand
					}
					r.send(r.backend, said)
					r.expect(r.client, want)
					end := EndBackendClosed
					if how == "FIN" {
						_ = r.backend.CloseWrite()
					} else {
						end = EndBackendLost
						_ = r.backend.Reset()
					}
					r.expectEnd(r.client, "")
					if r.wire.Ended() != (how == "RST") {
						t.Errorf("after %q: a close_notify came: %v", said, !r.wire.Ended())
					}
					// What the client still says is answered by nobody.
					_, _ = r.client.Write([]byte("DELE 1\r\nSTAT\r\n"))
					_ = r.client.Close()
					r.ends(end)
				}
			})
		}
	}
}

// A client that talks on when the backend has ended gets its moment, and no
// more, though nothing that it says goes anywhere.
func TestReadOnlyLingerHasALimit(t *testing.T) {
	for _, reads := range []bool{true, false} {
		virtual(t, fmt.Sprint("the client reads: ", reads), func(t *testing.T) {
			r := open(t, plainTLS, readOnly)
			if !reads {
				_ = r.client.(tlsEnd).transport.(*pipeEnd).SetReadBuffer(1)
			}
			r.send(r.client, "DELE 1\r\n")
			synctest.Wait()
			_ = r.backend.Close()
			if reads {
				r.expectEnd(r.client, refusedDelete)
			}
			start := time.Now()
			for len(r.done) == 0 && time.Since(start) < time.Minute {
				_, _ = r.client.Write([]byte("DELE 1\r\n"))
				pass(100 * time.Millisecond)
			}
			// Beside the moment, what is stuck gets a second, and a
			// close_notify that is, 5 s by tls.Conn.
			if took := time.Since(start); took > 2*lingerTime+2*noticeTime {
				t.Errorf("the session lingered for %v", took)
			}
			r.ends(EndBackendClosed)
		})
	}
}

// Rules 9 and 11: silence and draining end the session without a word, also
// where refusals wait.
func TestReadOnlyIdleAndDrain(t *testing.T) {
	for _, test := range []struct {
		name, up, seen, says, down string
	}{
		{"silent", "", "", "", ""},
		{"behind a refusal", "DELE 1\r\n", "", "", refusedDelete},
		{"an answer is awaited", "STAT\r\nDELE 1\r\n", "STAT\r\n", "", ""},
		{"inside an answer", "RETR 1\r\nDELE 1\r\n", "RETR 1\r\n", "+OK\r\n.", "+OK\r\n."},
		{"inside a line", "STAT\r\nDELE 1\r\nQUI", "STAT\r\n", "+OK\r\n", "+OK\r\n" + refusedDelete},
		{"inside a long line", strings.Repeat("x", 2*gateSize), "", "", ""},
	} {
		for _, end := range []End{EndIdle, EndDrained} {
			virtual(t, test.name+", "+end.String(), func(t *testing.T) {
				r := open(t, plainTLS, readOnly)
				r.send(r.client, test.up)
				r.expect(r.backend, test.seen)
				r.send(r.backend, test.says)
				r.expect(r.client, test.down)
				synctest.Wait()
				if end == EndDrained {
					r.session.Expire()
				} else {
					pass(10*time.Minute - time.Millisecond)
					r.alive()
					pass(2 * time.Millisecond)
				}
				if result := r.ends(end); result.Quit {
					t.Error("a QUIT went out")
				}
				r.expectEnd(r.client, "")
				r.expectEnd(r.backend, "")
				if r.wire.Ended() {
					t.Error("no close_notify came before the FIN")
				}
			})
		}
	}
	virtual(t, "a QUIT is out", func(t *testing.T) {
		r := open(t, plainTLS, readOnly)
		r.send(r.client, "QUIT\r\nDELE 1\r\n")
		r.expect(r.backend, "QUIT\r\n")
		synctest.Wait()
		r.session.Expire()
		pass(2*time.Minute - time.Millisecond)
		r.alive()
		r.send(r.backend, "+OK bye\r\n")
		_ = r.backend.Close()
		r.expectEnd(r.client, "+OK bye\r\n"+refusedDelete)
		_ = r.client.Close()
		r.ends(EndQuit)
	})
}

// A client that reads nothing holds up its own refusals, and costs no memory.
func TestReadOnlyStalledClient(t *testing.T) {
	virtual(t, "50 MB", func(t *testing.T) {
		r := open(t, plainTLS, readOnly)
		r.send(r.client, "RETR 1\r\nDELE 1\r\n")
		r.expect(r.backend, "RETR 1\r\n")
		sent := make(chan int, 1)
		go func() {
			n, _ := r.backend.Write(append([]byte("+OK\r\n"), make([]byte, 50<<20)...))
			sent <- n
		}()
		synctest.Wait()
		if _, n := r.session.Bytes(); n > 2*chunk {
			t.Errorf("the relay has taken %d octets", n)
		}
		// Its lines are read meanwhile, as ever.
		r.send(r.client, "STAT\r\nDELE 2\r\n")
		r.expect(r.backend, "STAT\r\n")
		pass(10*time.Minute - time.Millisecond)
		r.alive()
		pass(2 * time.Millisecond)
		r.ends(EndIdle)
		if n := <-sent; n > 4*chunk {
			t.Errorf("the backend could send %d octets", n)
		}
	})
	virtual(t, "slow", func(t *testing.T) {
		r := open(t, plainTLS, readOnly)
		message := "+OK\r\n" + strings.Repeat("0123456789abcd\r\n", 1<<16) + ".\r\n"
		_ = r.client.(tlsEnd).transport.(*pipeEnd).SetReadBuffer(64)
		got := backendOf(r, answers(message, "+OK\r\n"))
		r.send(r.client, "RETR 1\r\nDELE 1\r\nNOOP\r\n")
		for rest := message + refusedDelete + "+OK\r\n"; rest != ""; {
			n := min(10_000, len(rest))
			pass(time.Minute)
			r.expect(r.client, rest[:n])
			rest = rest[n:]
		}
		r.hangUp("FIN")
		<-got
	})
}

// A client that is gone for reading ends the session as ever.
func TestReadOnlyClientDies(t *testing.T) {
	for _, k := range []kind{fast, plainTLS, fastObserved} {
		t.Run(k.name, func(t *testing.T) {
			r := open(t, k, readOnly)
			r.send(r.client, "RETR 1\r\nDELE 1\r\n")
			r.expect(r.backend, "RETR 1\r\n")
			r.hangUp("RST")
			r.expectEnd(r.backend, "")
			_ = r.backend.Close()
			r.ends(EndClientLost)
		})
	}
}
