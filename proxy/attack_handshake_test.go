package proxy_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// stalls are connections that never become a TLS session, by what they say.
var stalls = []struct{ name, head string }{
	{"nothing", ""},
	{"one octet", "\x16"},
	{"half a hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("a", 100)},
	{"half a record of something else", "\x17\x03\x03\x40\x00aaaa"},
	{"garbage", "\x00\x01\x02\x03\x04\x05\x06\x07"},
	{"POP3 in clear", "USER joe\r\nPASS sesame\r\n"},
}

// Attack T5: while hundreds of connections stall in the handshake, good logins
// work, 100 of 100; the stalled ones are closed in time, all of them.
func TestLoginsDuringHandshakeStalls(t *testing.T) {
	const each, logins = 50, 100
	_, address := serveDemo(t, logins)
	s := newStand(t, address, func(p *plan) { p.settings.Timeouts.Handshake = 2 * time.Second })
	defer s.close()
	var stalled []net.Conn
	for range each {
		for _, stall := range stalls {
			conn, err := s.raw()
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			stalled = append(stalled, conn)
			if _, err := io.WriteString(conn, stall.head); err != nil {
				t.Fatal(err)
			}
		}
	}
	var work sync.WaitGroup
	gate := make(chan struct{}, 8)
	for i := range logins {
		gate <- struct{}{}
		work.Go(func() {
			defer func() { <-gate }()
			if err := s.session(fmt.Sprintf("user%d", i), "sesame"); err != nil {
				t.Errorf("login %d: %v", i, err)
			}
		})
	}
	work.Wait()
	for i, conn := range stalled {
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		got, err := io.ReadAll(conn)
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			t.Errorf("%s: not closed", stalls[i%len(stalls)].name)
		}
		// An alert is all that may come: 7 octets.
		if len(got) > 7 || len(got) > 0 && got[0] != 0x15 {
			t.Errorf("%s: got %q", stalls[i%len(stalls)].name, got)
		}
	}
	s.log.await(t, sessionLine, len(stalled)+logins)
}
