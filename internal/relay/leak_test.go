package relay

import (
	"os"
	"runtime"
	"strings"
	"testing"
)

// After many sessions, ended in all ways, goroutines and descriptors are as
// many as before.
func TestNothingIsLeftOfManySessions(t *testing.T) {
	session := func(t *testing.T, i int) {
		r := open(t, fast)
		r.send(r.client, "STAT\r\n")
		r.expect(r.backend, "STAT\r\n")
		r.send(r.backend, "+OK\r\n")
		r.expect(r.client, "+OK\r\n")
		switch i % 5 {
		case 0:
			r.hangUp(hangUps[i/5%len(hangUps)])
		case 1:
			_ = r.backend.Reset()
			r.expectEnd(r.client, "")
		case 2:
			r.session.Expire()
		case 3:
			r.send(r.client, strings.Repeat("x", 2*gateSize))
			r.hangUp("FIN")
		case 4:
			r.send(r.client, "QUIT\r\n")
			r.expect(r.backend, "QUIT\r\n")
		}
		_, _ = r.backend.Close(), r.client.Close()
		r.result()
	}
	leavesNothing(t, session)
}

// leavesNothing runs many sessions and checks that goroutines and descriptors are
// as many after them as before.
func leavesNothing(t *testing.T, session func(t *testing.T, i int)) {
	t.Helper()
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

// descriptors counts the open files of this process.
func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no list of descriptors here: ", err)
	}
	return len(entries)
}
