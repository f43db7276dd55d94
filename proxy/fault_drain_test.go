package proxy_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"popgate/internal/poptest"
)

// drained starts draining and returns what Drain returns, when it does.
func (s *stand) drained(limit time.Duration) <-chan int {
	s.stop()
	left := make(chan int, 1)
	go func() { left <- s.server.Drain(limit) }()
	return left
}

// Rule 11: draining takes no new client, tells those before login, lets the
// others work, and says how many it had to close.
func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, obliging)
		defer h.close()
		var loggedIn []*mail
		for range 4 {
			m, err := h.dial()
			if err == nil {
				err = m.login("joe", "sesame")
			}
			if err != nil {
				t.Fatal(err)
			}
			loggedIn = append(loggedIn, m)
		}
		waiting, err := h.dial()
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		left := h.drained(30 * time.Second)
		if got, err := readAll(waiting.in); err != nil || got != "-ERR [SYS/TEMP] the server is restarting, try again\r\n" {
			t.Errorf("before login: %q, %v", got, err)
		}
		synctest.Wait() // until the listener is closed, too
		if _, err := h.dialTo(hallAddress); err == nil {
			t.Error("a new client was taken")
		}
		<-time.After(20 * time.Second)
		if err := loggedIn[0].asks("STAT", "+OK", "DELE 1", "+OK", "QUIT", "+OK"); err != nil {
			t.Error(err)
		}
		if err := loggedIn[1].asks("DELE 1", "+OK"); err != nil {
			t.Error(err)
		}
		_ = loggedIn[2].under.Close()
		if n := <-left; n != 2 {
			t.Errorf("%d sessions were left at the limit", n)
		}
		if took := time.Since(began); took != 30*time.Second {
			t.Errorf("draining took %v", took)
		}
		for _, m := range loggedIn[1:] {
			_ = m.under.Close()
		}
		_ = loggedIn[0].under.Close()
		_ = waiting.under.Close()
		synctest.Wait()
		for i := range h.backend.Connections() {
			if quits := strings.Count(string(h.backend.Received(i)), "QUIT"); quits != 0 && i != 0 || quits != 1 && i == 0 {
				t.Errorf("backend connection %d got %d QUITs", i, quits)
			}
		}
	})
}

// Drain returns as soon as nobody is left, and at once if nobody was there.
func TestDrainIsOverWithTheLastSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, obliging)
		defer h.close()
		m, err := h.dial()
		if err == nil {
			err = m.login("joe", "sesame")
		}
		if err != nil {
			t.Fatal(err)
		}
		left := h.drained(time.Hour)
		<-time.After(time.Minute)
		began := time.Now()
		if err := m.asks("QUIT", "+OK"); err != nil {
			t.Error(err)
		}
		_ = m.under.Close()
		if n := <-left; n != 0 || time.Since(began) > time.Second {
			t.Errorf("%d were left, after %v", n, time.Since(began))
		}
		if n := <-h.drained(time.Hour); n != 0 {
			t.Errorf("%d were left the second time", n)
		}
	})
}

// Rule 10: a QUIT under way when the limit comes has timeouts { quit } from its
// delivery on, and Drain waits for it; one that isn't answered ends there.
func TestDrainWaitsForQuit(t *testing.T) {
	for _, answered := range []bool{true, false} {
		t.Run(fmt.Sprint("answered ", answered), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHall(t, poptest.Answers("+OK\r\n", func(line string) (string, bool) {
					if line != "QUIT" {
						return "+OK\r\n", true
					}
					if <-time.After(100 * time.Second); !answered {
						<-time.After(time.Hour)
					}
					return "+OK bye\r\n", false
				}))
				m, err := h.dial()
				if err == nil {
					err = m.login("joe", "sesame")
				}
				if err == nil {
					err = m.writeAll("QUIT\r\n")
				}
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				<-h.drained(5 * time.Second)
				took := time.Since(began)
				got, _ := readAll(m.in)
				if answered && (got != "+OK bye\r\n" || took < 100*time.Second || took > 110*time.Second) {
					t.Errorf("got %q, draining took %v", got, took)
				}
				if !answered && (got != "" || took < 120*time.Second || took > 125*time.Second) {
					t.Errorf("got %q, draining took %v", got, took)
				}
				_ = m.under.Close()
				h.close()
			})
		})
	}
}

// With real sockets: sessions in every state are gone soon after the limit, and
// no maildrop has lost a mail.
func TestDrainInAllStates(t *testing.T) {
	const each = 20
	states := [][]string{
		nil, // no handshake
		{""},
		{"", "USER %s"},
		{"", "AUTH LOGIN"},
		{"", "USER %s", "PASS sesame"},
		{"", "USER %s", "PASS sesame", "DELE 1"},
	}
	drops, address := serveDemo(t, each*len(states), []byte("Subject: x\r\n\r\nbody\r\n"))
	s := newStand(t, address)
	defer s.close()
	for i := range each * len(states) {
		under, err := s.raw()
		if err != nil {
			t.Fatal(err)
		}
		defer under.Close()
		m := newMail(under, under, s.tls)
		for _, command := range states[i%len(states)] {
			if err := m.ask(strings.ReplaceAll(command, "%s", fmt.Sprintf("user%d", i)), "+"); err != nil {
				t.Fatal(err)
			}
		}
	}
	began := time.Now()
	if n := <-s.drained(200 * time.Millisecond); n != 2*each {
		t.Errorf("%d sessions were left at the limit", n)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("draining took %v", took)
	}
	for i := range each * len(states) {
		if n := len(drops.Maildrop(fmt.Sprintf("user%d", i))); n != 1 {
			t.Errorf("user%d has %d mails", i, n)
		}
	}
}
