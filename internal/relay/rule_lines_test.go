package relay

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// Rule 1: a backend receives as many QUIT lines as the client completed. None
// is made, completed or repeated.
func TestRule1QuitsAreTheClients(t *testing.T) {
	for _, test := range []struct {
		up, want string
	}{
		{"", ""},
		{"DELE 1\r\n", "DELE 1\r\n"},
		{"DELE 1\r\nQ", "DELE 1\r\n"},
		{"DELE 1\r\nQUIT", "DELE 1\r\n"},
		{"DELE 1\r\nQUIT\r", "DELE 1\r\n"},
		{"DELE 1\r\nQUIT\r\n", "DELE 1\r\nQUIT\r\n"},
		{"DELE 1\r\nquit\n", "DELE 1\r\nquit\n"},
		{"QUIT\r\nQUIT\r\n", "QUIT\r\nQUIT\r\n"},
		{"QUIT\r\nQUIT", "QUIT\r\n"},
		{"DELE 1\r\nNOOP QUIT", "DELE 1\r\n"},
	} {
		for _, how := range hangUps {
			virtual(t, how+" after "+test.up, func(t *testing.T) {
				r := open(t, plainTLS)
				r.send(r.client, test.up)
				synctest.Wait()
				r.hangUp(how)
				if got := serve(r.backend); got != test.want {
					t.Errorf("the backend got %q, want %q", got, test.want)
				}
				wantQuit, _ := quits([]byte(test.want), 0)
				if result := r.result(); result.Quit != wantQuit || result.FromClient != int64(len(test.want)) {
					t.Errorf("%+v", result)
				}
			})
		}
	}
}

// serve reads as an old server does: whole lines are answered, it closes
// after a QUIT's answer, and a line that only the end of the stream ends
// counts as a line. It returns all it read.
func serve(conn end) string {
	defer conn.Close()
	var got strings.Builder
	var line []byte
	for b := make([]byte, 1); ; {
		if _, err := conn.Read(b); err != nil {
			got.Write(line)
			return got.String()
		}
		if line = append(line, b[0]); b[0] != '\n' {
			continue
		}
		got.Write(line)
		_, _ = conn.Write([]byte("+OK\r\n"))
		if strings.HasPrefix(strings.ToLower(string(line)), "quit") {
			// What comes before the answer is read is still to be seen.
			synctest.Wait()
			rest := make([]byte, 512)
			_ = conn.SetReadDeadline(time.Now().Add(time.Second))
			n, _ := conn.Read(rest)
			got.Write(rest[:n])
			return got.String()
		}
		line = line[:0]
	}
}

// Rule 2: an unterminated last line is never completed, and not by the end of
// the stream either: the backend's connection closes without it.
func TestRule2TailIsDropped(t *testing.T) {
	for _, k := range []kind{fast, plain, plainTLS, plainObserved} {
		for _, tail := range []string{"Q", "QUIT", "QUIT\r", "DELE 1", strings.Repeat("x", gateSize-1)} {
			for _, before := range []string{"", "STAT\r\nDELE 1\r\n"} {
				r := open(t, k)
				r.send(r.client, before)
				r.expect(r.backend, before)
				r.send(r.client, tail)
				r.hangUp("FIN")
				r.expectEnd(r.backend, "")
				if result := r.ends(EndUnfinished); result.Quit || result.FromClient != int64(len(before)) {
					t.Errorf("%s: after %.20q: %+v", k.name, tail, result)
				}
			}
		}
	}
}

// A line over 512 octets goes on as it comes, so a part of it is out when the
// stream ends inside it. The backend must not take that part for a line: it
// sees a RST, for which fgets returns nothing, and no FIN, whatever ended the
// session.
func TestRule2UnfinishedLongLineIsReset(t *testing.T) {
	part := strings.Repeat("x", gateSize)
	for _, test := range []struct {
		name string
		end  End
		do   func(r *rig)
	}{
		{"FIN", EndUnfinished, func(r *rig) { r.hangUp("FIN") }},
		{"close_notify", EndUnfinished, func(r *rig) { r.hangUp("close_notify") }},
		{"RST", EndClientLost, func(r *rig) { r.hangUp("RST") }},
		{"silence", EndIdle, func(r *rig) {}},
		{"drain", EndDrained, func(r *rig) { r.session.Expire() }},
		{"backend's FIN", EndBackendClosed, func(r *rig) {
			_ = r.backend.CloseWrite()
			r.expectEnd(r.client, "")
			_ = r.client.Close()
		}},
	} {
		virtual(t, test.name, func(t *testing.T) {
			r := open(t, plainTLS)
			r.send(r.client, "NOOP\r\n"+part)
			r.expect(r.backend, "NOOP\r\n"+part)
			test.do(r)
			if rest, err := io.ReadAll(r.backend); len(rest) > 0 || !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the backend read %q and %v, want a reset", rest, err)
			}
			r.ends(test.end)
		})
	}
	t.Run("sockets", func(t *testing.T) {
		r := open(t, fast)
		r.send(r.client, "NOOP\r\n"+part+"more")
		r.expect(r.backend, "NOOP\r\n"+part+"more")
		r.hangUp("FIN")
		if rest, err := io.ReadAll(r.backend); len(rest) > 0 || !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the backend read %q and %v, want a reset", rest, err)
		}
		r.ends(EndUnfinished)
	})
}

// A backend that doesn't read stops a write at any octet. If the session ends
// then, the first part of a line must not end with a FIN.
func TestRule2LineCutInsideAWriteIsReset(t *testing.T) {
	for _, test := range []struct {
		name string
		end  End
		do   func(r *rig)
	}{
		{"silence", EndQuitTimeout, func(r *rig) {}},
		{"drain", EndDrained, func(r *rig) { r.session.Expire() }},
	} {
		virtual(t, test.name, func(t *testing.T) {
			r := open(t, plainTLS)
			before := strings.Repeat("NOOP\r\n", 10)
			_ = r.backend.(*pipeEnd).SetReadBuffer(len(before) + len("QUIT"))
			r.send(r.client, before+"QUIT\r\n")
			synctest.Wait()
			test.do(r)
			r.ends(test.end)
			got, err := io.ReadAll(r.backend)
			if !strings.HasSuffix(string(got), "\n") && !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the backend read %q and %v: it may take that for a QUIT", got, err)
			}
		})
	}
	for size := range 6 { // the write stops at another octet
		t.Run(fmt.Sprint("sockets ", size), func(t *testing.T) {
			r := open(t, fast)
			_ = r.backend.(tcpEnd).SetReadBuffer(4096 + size*517)
			_ = r.session.backend.(tcpEnd).SetWriteBuffer(4096 + size*317)
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				_, _ = io.WriteString(r.client, strings.Repeat("RETR 10\r\n", 100_000)) // fails when it ends
			}()
			r.until("the backend's connection takes no more", func() bool {
				n, _ := r.session.Bytes()
				return n > 0 && r.still()
			})
			r.session.Expire()
			r.ends(EndDrained)
			<-sent
			got, err := io.ReadAll(r.backend)
			if !strings.HasSuffix(string(got), "\n") && !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the backend read %q at last, and %v", got[max(0, len(got)-20):], err)
			}
		})
	}
}
