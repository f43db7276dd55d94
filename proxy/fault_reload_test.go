package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"popgate/authz"
	"popgate/internal/poptest"
	"popgate/proxy"
)

// obliging is a backend that lets everybody in and answers everything.
func obliging(c *poptest.BackendConn) {
	poptest.Answers("+OK\r\n", func(line string) (string, bool) { return "+OK\r\n", line != "QUIT" })(c)
}

const (
	keptAddress = "192.0.2.25:996"
	goneAddress = "192.0.2.25:997"
	newAddress  = "192.0.2.25:998"
)

// dialTLS connects to one of the listeners, under TLS.
func (h *hall) dialTLS(address string) (*mail, error) {
	conn, err := h.dialTo(address)
	if err != nil {
		return nil, err
	}
	m := newMail(conn, conn, h.tls)
	return m, m.ask("", "+OK pop.example.com POP3 ready")
}

// greeting connects and takes what a listener without TLS says first.
func (h *hall) greeting(address string) (string, error) {
	conn, err := h.dialTo(address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	return bufio.NewReader(conn).ReadString('\n')
}

// A reload changes what is new and cuts nobody: sessions keep the settings that
// they began with, on listeners that are gone or changed, too.
func TestReloadCutsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, obliging, func(p *plan) {
			p.settings.Listeners = append(p.settings.Listeners,
				proxy.Listener{Name: "kept", Address: keptAddress}, proxy.Listener{Name: "gone", Address: goneAddress})
		})
		defer h.close()
		var clients []*mail
		for _, address := range []string{hallAddress, keptAddress, goneAddress} {
			for _, words := range [][]string{{}, {"USER joe", "+OK"}, {"USER joe", "+OK", "PASS sesame", "+OK", "DELE 1", "+OK"}} {
				m, err := h.dialTLS(address)
				if err == nil {
					err = m.asks(words...)
				}
				if err != nil {
					t.Fatal(err)
				}
				clients = append(clients, m)
			}
		}
		synctest.Wait()

		changed := h.settings
		changed.Hostname = "new.example.com"
		changed.Timeouts.Login = time.Second
		changed.Timeouts.Idle = time.Second
		changed.Errors = 1
		changed.Listeners = []proxy.Listener{
			{Name: "pop3", Address: hallAddress, StartTLS: true},
			{Name: "kept", Address: keptAddress, StartTLS: true},
			{Name: "new", Address: newAddress, StartTLS: true},
		}
		if err := h.server.Apply(h.ctx, changed); err != nil {
			t.Fatal(err)
		}
		if n := len(h.server.Addrs()); n != 3 {
			t.Errorf("%d listeners", n)
		}
		for _, address := range []string{hallAddress, keptAddress, newAddress} {
			if got, err := h.greeting(address); got != "+OK new.example.com POP3 ready\r\n" {
				t.Errorf("%s: %q, %v", address, got, err)
			}
		}
		if got, err := h.greeting(goneAddress); err == nil {
			t.Errorf("the listener that is gone said %q", got)
		}
		<-time.After(10 * time.Second)
		for i, m := range clients {
			words := [][]string{{"XYZZY", "-ERR", "USER joe", "+OK", "PASS sesame", "+OK"}, {"PASS sesame", "+OK"}, {}}[i%3]
			if i%3 == 0 {
				words = append([]string{"NOOP", "+OK"}, words...)
			}
			if err := m.asks(append(words, "STAT", "+OK", "QUIT", "+OK")...); err != nil {
				t.Errorf("client %d: %v", i, err)
			}
			_ = m.under.Close()
		}
	})
}

// A reload that fails changes nothing: not one listener, not one setting.
func TestFailedReloadChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, obliging)
		defer h.close()
		m, err := h.dial()
		if err != nil {
			t.Fatal(err)
		}
		defer m.under.Close()
		broken := h.settings
		broken.Hostname = "new.example.com"
		broken.Listeners = []proxy.Listener{
			{Name: "new", Address: newAddress},
			{Name: "other", Address: "192.0.2.99:995"},
			{Name: "third", Address: "192.0.2.99:996"},
		}
		err = h.server.Apply(h.ctx, broken)
		if err == nil || !strings.Contains(err.Error(), `listener "other"`) || !strings.Contains(err.Error(), `listener "third"`) {
			t.Errorf("the error tells not all: %v", err)
		}
		synctest.Wait()
		if addrs := h.server.Addrs(); len(addrs) != 1 || addrs[0].String() != hallAddress {
			t.Errorf("it listens at %v", addrs)
		}
		if conn, err := h.dialTo(newAddress); err == nil {
			t.Errorf("%v is left open", conn.RemoteAddr())
		}
		if h.server.Addr(newAddress) != nil || h.server.Addr(hallAddress) == nil {
			t.Error("the server names other listeners")
		}
		other, err := h.dial() // with the old name in the greeting
		if err != nil {
			t.Fatal(err)
		}
		defer other.under.Close()
		for _, m := range []*mail{m, other} {
			if err := m.asks("USER joe", "+OK", "PASS sesame", "+OK", "QUIT", "+OK"); err != nil {
				t.Error(err)
			}
		}
	})
}

// Counts survive a reload: who had a place has it, and the new limits count
// him.
func TestLimitsCountAcrossReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, obliging)
		defer h.close()
		var open []net.Conn
		for range 3 {
			conn, err := h.dialTo(hallAddress)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			open = append(open, conn)
		}
		synctest.Wait()
		rules := h.rules
		rules.Limits.ConnectionsPerIP = 3
		h.guard.SetRules(rules)
		if err := h.server.Apply(h.ctx, h.settings); err != nil {
			t.Fatal(err)
		}
		fourth, err := h.dialTo(hallAddress)
		if err != nil {
			t.Fatal(err)
		}
		defer fourth.Close()
		if got, err := readAll(fourth); got != "" || err != nil {
			t.Errorf("the fourth got %q, %v", got, err)
		}
		_ = open[0].Close()
		synctest.Wait()
		m, err := h.dial()
		if err != nil {
			t.Fatal(err)
		}
		_ = m.under.Close()
	})
}

// A session is under the rules of the configuration that it began with, which has
// told its listener, names and tenants too. The counts are common to all.
func TestSessionsKeepTheirRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := authz.Rules{Policies: []authz.Policy{{Name: "hold", ReadOnly: true}}}
		h := guarded(t, authz.Rules{})
		defer h.close()
		apply := func(rules authz.Rules) {
			t.Helper()
			rules.Limits = h.rules.Limits
			next := h.settings
			next.Rules = &rules
			if err := h.server.Apply(h.ctx, next); err != nil {
				t.Fatal(err)
			}
			h.guard.SetRules(rules)
		}
		apply(hold)
		before := h.from(t, "198.51.100.7")
		synctest.Wait()
		apply(authz.Rules{Policies: []authz.Policy{{Name: "closed", Deny: "closed"}}})
		between := h.from(t, "198.51.100.7")
		synctest.Wait()
		apply(authz.Rules{})
		after := h.from(t, "198.51.100.7")
		between.tries(t, "joe", "sesame", authRefusal)
		before.tries(t, "joe", "sesame", "+OK\r\n")
		after.tries(t, "joe", "sesame", "+OK\r\n")
		for m, want := range map[*mail]string{before: "-ERR this mailbox is read-only", after: "+OK"} {
			if err := m.asks("DELE 1", want); err != nil {
				t.Error(err)
			}
		}
		for _, m := range []*mail{before, between, after} {
			_ = m.under.Close()
		}
	})
}

// Attack M3: reloads under load, good ones and bad ones, cut no session.
func TestReloadUnderLoad(t *testing.T) {
	const workers, each = 8, 25
	_, address := serveDemo(t, workers)
	s := newStand(t, address)
	defer s.close()
	bad := s.settings
	bad.Listeners = append([]proxy.Listener{{Name: "bad", Address: "256.0.0.1:0"}}, bad.Listeners...)
	done := make(chan struct{})
	var reloads sync.WaitGroup
	reloads.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
			}
			good := s.settings
			if i%2 == 0 {
				good.Listeners = append([]proxy.Listener{{Name: "more", Address: "localhost:0"}}, good.Listeners...)
			}
			if err := s.server.Apply(s.ctx, good); err != nil {
				t.Error(err)
			}
			if s.server.Apply(s.ctx, bad) == nil {
				t.Error("a listener at 256.0.0.1 was opened")
			}
		}
	})
	var work sync.WaitGroup
	for w := range workers {
		work.Go(func() {
			for range each {
				if err := s.session(fmt.Sprintf("user%d", w), "sesame"); err != nil {
					t.Errorf("worker %d: %v", w, err)
				}
			}
		})
	}
	work.Wait()
	close(done)
	reloads.Wait()
	s.log.await(t, sessionLine, workers*each)
}

// writeAll sends words.
func (m *mail) writeAll(words string) error {
	_, err := io.WriteString(m, words)
	return err
}
