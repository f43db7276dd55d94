package proxy_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"popgate/internal/poptest"
)

// Attack R1: when accepting fails, as it does without descriptors, it is tried
// again, less and less often, logged once, and works when it can again.
func TestAcceptBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, poptest.NewCA(t), poptest.Settings{"listener": {"starttls"}})
		defer r.close()
		r.listener.FailAccept(1000, os.NewSyscallError("accept4", syscall.EMFILE))
		waiting := r.connect()
		defer waiting.Close()
		<-time.After(100 * time.Second)
		tries := r.gauge("popgate_accept_errors_total", "", "")
		if tries < 90 || tries > 120 {
			t.Errorf("%v tries to accept in 100 s", tries)
		}
		if n := strings.Count(r.log.String(), "can't accept"); n != 1 {
			t.Errorf("%d lines in the log about one trouble", n)
		}
		<-time.After(1000 * time.Second)
		synctest.Wait()
		greeting, err := bufio.NewReader(waiting).ReadString('\n')
		if err != nil || greeting != "+OK pop.example.com POP3 ready\r\n" {
			t.Errorf("after the trouble: %q, %v", greeting, err)
		}
		// Another trouble is news again.
		r.listener.FailAccept(1, os.NewSyscallError("accept4", syscall.EMFILE))
		<-time.After(time.Second)
		if n := strings.Count(r.log.String(), "can't accept"); n != 2 {
			t.Errorf("%d lines in the log about two troubles", n)
		}
	})
}

// Attack R1: draining does not wait for a pause of the acceptor.
func TestDrainDuringBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, poptest.NewCA(t), nil)
		r.listener.FailAccept(1000, os.NewSyscallError("accept4", syscall.EMFILE))
		<-time.After(10300 * time.Millisecond)
		began := time.Now()
		r.close()
		if took := time.Since(began); took != 0 {
			t.Errorf("it took %v", took)
		}
	})
}

// Attack R3: what a session held is free when it has ended, however it did; one
// that was never let in frees nothing. With one place, each next session is
// the proof.
func TestPlacesAreGivenBack(t *testing.T) {
	endings := map[string]string{
		"nothing said":     "",
		"no TLS":           "USER joe\r\n",
		"half a hello":     "\x16\x03\x01\x02\x00\x01",
		"garbage in TLS":   "\x16\x03\x01\x00\x04\x02\x00\x00\x00",
		"a long line":      strings.Repeat("a", 70000),
		"a proxy's header": headerV1,
	}
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, poptest.NewCA(t), poptest.Settings{
			"connections": {"1"}, "connections_per_ip": {"1"}, "connections_before_login": {"1"},
		})
		defer r.close()
		for name, words := range endings {
			for _, end := range []func(net.Conn) error{net.Conn.Close, poptest.RST, poptest.FIN, nil} {
				before := r.denials()
				conn := r.connect()
				synctest.Wait()
				if r.denials() != before {
					t.Fatalf("before %q: a place was not given back", name)
				}
				if _, err := io.WriteString(conn, words); err != nil && len(words) < 1000 {
					t.Errorf("%s: %v", name, err)
				}
				synctest.Wait()
				r.turnedAway(name)
				if end != nil {
					_ = end(conn) // it may be over already
				}
				<-time.After(time.Minute)
				_ = conn.Close()
				synctest.Wait()
				if n := r.open("before_login"); n != 0 {
					t.Fatalf("%s: %v sessions open", name, n)
				}
			}
		}
	})
}

// denials counts the connections that found no place.
func (r *rig) denials() (n float64) {
	for _, check := range []string{"connections", "connections_per_ip", "connections_before_login"} {
		n += r.gauge("popgate_denials_total", "check", check)
	}
	return n
}

// turnedAway is a connection beside the one that has the only place, if that is
// still there: it gets no answer but the polite one, and frees nothing.
func (r *rig) turnedAway(name string) {
	r.tb.Helper()
	if r.open("before_login") == 0 {
		return
	}
	for range 3 {
		before := r.denials()
		conn := r.connect()
		synctest.Wait()
		if r.denials() != before+1 {
			r.tb.Fatalf("%s: a second session was let in", name)
		}
		_ = conn.Close()
		synctest.Wait()
	}
}

// When all places are taken, 64 connections at a time are told so politely; the
// next are closed at once, without a word.
func TestPolitePlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, poptest.NewCA(t), poptest.Settings{"connections": {"1"}, "listener": {"implicit"}})
		defer r.close()
		first := r.connect()
		defer first.Close()
		synctest.Wait()
		var polite []net.Conn
		for range 64 {
			polite = append(polite, r.connect())
		}
		synctest.Wait()
		began := time.Now()
		for range 10 {
			if got, err := readAll(r.connect()); got != "" || err != nil && !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the 65th got %q, %v", got, err)
			}
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("the 65th was closed after %v", took)
		}
		// A polite place is taken as long as a handshake and the parting may
		// take, no longer: at this very moment all end.
		<-time.After(11 * time.Second)
		synctest.Wait()
		for _, conn := range polite {
			if got, err := readAll(conn); got != "" || err != nil {
				t.Errorf("a stalled one got %q, %v", got, err)
			}
			_ = conn.Close()
		}
		for range 64 {
			conn := r.connect()
			defer conn.Close()
			synctest.Wait()
		}
		if n := r.open("before_login"); n != 64 {
			t.Errorf("%v sessions in polite places", n)
		}
	})
}
