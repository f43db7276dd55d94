package relay

import (
	"bytes"
	"crypto/sha256"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// Refusals, answers of the backend and answers to KeyUpdates are written by
// two goroutines, and keep their order.
func TestReadOnlyKeyUpdates(t *testing.T) {
	var log bytes.Buffer
	over := fast
	over.keyLog = &log
	r := open(t, over, readOnly)
	client := r.client.(tlsEnd)
	s := newSealer(t, client.transport, client.Conn, log.String())

	const updates = 200
	mail := "+OK\r\n" + strings.Repeat("0123456789abcd\r\n", chunk/16) + ".\r\n"
	turns := make(chan struct{}, 4) // see TestKeyUpdatesKeepOrder
	var wait sync.WaitGroup
	wait.Go(func() {
		for range updates {
			turns <- struct{}{}
			err := s.record(handshakeRecord, updateRequested)
			s.rekey(s.expand("traffic upd", sha256.Size))
			if err == nil {
				err = s.record(applicationRecord, "DELE 1\r\nRETR 1\r\nDELE 1\r\n")
			}
			if err != nil {
				t.Error(err)
				return
			}
		}
	})
	wait.Go(func() {
		for range updates {
			err := read(r.backend, "RETR 1\r\n")
			if err == nil {
				_, err = io.WriteString(r.backend, mail)
			}
			if err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range updates {
		r.expect(r.client, refusedDelete+mail+refusedDelete)
		<-turns
	}
	wait.Wait()
	_ = r.backend.Close()
	r.expectEnd(r.client, "")
	_ = r.client.Close()
	r.ends(EndBackendClosed)
}

// After many read-only sessions, ended with refusals and answers under way, no
// goroutine and no descriptor is left.
func TestNothingIsLeftOfReadOnlySessions(t *testing.T) {
	session := func(t *testing.T, i int) {
		r := open(t, fast, readOnly)
		r.send(r.client, "STAT\r\nDELE 1\r\n"+strings.Repeat("NOOP\r\nX\r\n", 20*(i%40)))
		r.expect(r.backend, "STAT\r\n")
		r.send(r.backend, "+OK\r\n")
		r.expect(r.client, "+OK\r\n"+refusedDelete)
		switch i % 4 {
		case 0:
			r.hangUp(hangUps[i/4%len(hangUps)])
		case 1:
			_ = r.backend.Reset()
		case 2:
			r.session.Expire()
		case 3:
			r.send(r.backend, "what?\r\n")
		}
		_, _ = r.backend.Close(), r.client.Close()
		r.result()
	}
	t.Run("warm up", func(t *testing.T) { session(t, 0) })
	goroutines, files := runtime.NumGoroutine(), descriptors(t)
	for i := range 200 {
		t.Run("", func(t *testing.T) { session(t, i) })
	}
	r := &rig{t: t}
	r.until("all goroutines have ended", func() bool { return runtime.NumGoroutine() <= goroutines })
	if now := descriptors(t); now > files {
		t.Errorf("%d descriptors, %d before", now, files)
	}
}
