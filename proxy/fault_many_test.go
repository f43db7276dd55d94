package proxy_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"popgate/internal/demo"
	"popgate/internal/poptest"
)

// serveDemo starts the demonstration server on loopback with as many users
// user0, user1, …, whose password is "sesame", and returns where it is.
func serveDemo(tb testing.TB, users int, mails ...[]byte) (*demo.Server, string) {
	tb.Helper()
	opts := demo.Options{MaxSessions: 10000}
	for i := range users {
		opts.Users = append(opts.Users, demo.User{Name: fmt.Sprintf("user%d", i), Password: "sesame", Mails: mails})
	}
	server, err := demo.New(opts)
	if err != nil {
		tb.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	tb.Cleanup(func() {
		if err := errors.Join(server.Close(), <-served); err != nil {
			tb.Error(err)
		}
	})
	return server, ln.Addr().String()
}

// descriptors counts the process's open ones; -1 where that can't be seen.
func descriptors(tb testing.TB) int {
	tb.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		tb.Logf("DESCRIPTORS NOT CHECKED: %v", err)
		return -1
	}
	return len(entries)
}

// settled waits until no more goroutines and descriptors are there than before;
// the last ones of a connection's end are on their way when its peer has gone.
func settled(tb testing.TB, goroutines, files int) {
	tb.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(20 * time.Second)
	for {
		g, f := runtime.NumGoroutine(), descriptors(tb)
		if g <= goroutines && f <= files {
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			tb.Fatalf("%d goroutines and %d descriptors, %d and %d before", g, f, goroutines, files)
		}
	}
}

// Short sessions, many of them, leave nothing behind: no goroutine, no
// descriptor, no place in a count.
func TestManyShortSessions(t *testing.T) {
	sessions, workers := 20000, 64
	if raceEnabled {
		sessions = 2000
	}
	_, address := serveDemo(t, workers)
	s := newStand(t, address)
	defer s.close()
	if err := s.session("user0", "sesame"); err != nil {
		t.Fatal(err)
	}
	s.log.await(t, sessionLine, 1)
	goroutines, files := runtime.NumGoroutine(), descriptors(t)
	var work sync.WaitGroup
	for w := range workers {
		work.Go(func() {
			for i := range (sessions + workers - 1) / workers {
				if err := s.oneOf(i, w); err != nil {
					t.Errorf("worker %d, session %d: %v", w, i, err)
					return
				}
			}
		})
	}
	work.Wait()
	settled(t, goroutines, files)
	if n := s.number("popgate_sessions", "before_login") + s.number("popgate_sessions", "logged_in"); n != 0 {
		t.Errorf("%v sessions are counted as open", n)
	}
}

// oneOf is a session of one of the kinds that there are.
func (s *stand) oneOf(i, worker int) error {
	user := fmt.Sprintf("user%d", worker)
	if i%16 >= 3 {
		return s.session(user, "sesame")
	}
	m, err := s.dial()
	if err != nil {
		return err
	}
	defer m.under.Close()
	switch i % 16 {
	case 0: // a wrong password, then nothing
		return m.asks("USER "+user, "+OK", "PASS wrong", "-ERR [AUTH]")
	case 1: // never logs in
		return m.asks("CAPA", "+OK")
	}
	// Goes without a QUIT, by a reset.
	return errors.Join(m.asks("NOOP", "+OK"), poptest.RST(m.under))
}

// Two thousand at once are all logged in at the same time, served, and gone.
func TestManySessionsAtOnce(t *testing.T) {
	const sessions = 2000
	_, address := serveDemo(t, sessions)
	s := newStand(t, address)
	defer s.close()
	goroutines, files := runtime.NumGoroutine(), descriptors(t)
	clients := make([]*mail, sessions)
	all := func(what string, do func(i int) error) {
		t.Helper()
		var work sync.WaitGroup
		gate := make(chan struct{}, 64)
		for i := range clients {
			gate <- struct{}{}
			work.Go(func() {
				defer func() { <-gate }()
				if err := do(i); err != nil {
					t.Errorf("client %d, %s: %v", i, what, err)
				}
			})
		}
		work.Wait()
		if t.Failed() {
			t.FailNow()
		}
	}
	all("login", func(i int) (err error) {
		if clients[i], err = s.dial(); err != nil {
			return err
		}
		_ = clients[i].under.SetDeadline(time.Now().Add(5 * time.Minute))
		return clients[i].login(fmt.Sprintf("user%d", i), "sesame")
	})
	all("STAT", func(i int) error { return clients[i].ask("STAT", "+OK 0 0") })
	// Counted before it is relayed, and told +OK before either.
	if n := s.number("popgate_sessions", "logged_in"); n != sessions {
		t.Errorf("%v sessions are logged in", n)
	}
	all("QUIT", func(i int) error {
		defer clients[i].under.Close()
		return clients[i].ask("QUIT", "+OK bye")
	})
	settled(t, goroutines, files)
}
