package relay

import (
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// stall opens a relay whose client doesn't read, and sends until nothing
// moves any more. The watch looks only when the test makes it look.
func stall(t *testing.T) (r *rig, queued int) {
	t.Helper()
	r = open(t, fast, func(o *Options) { o.Idle = time.Hour })
	r.send(r.client, "RETR 1\r\n")
	r.expect(r.backend, "RETR 1\r\n")
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		part := strings.Repeat("0123456789abcde\n", 4096)
		for range 50 << 20 / len(part) {
			if _, err := io.WriteString(r.backend, part); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = r.backend.Close()
		<-sent
	})
	r.until("the client's connection takes no more", r.stuck)
	queued, ok := sendQueue(r.session.beneath.Conn)
	if !ok || queued == 0 {
		t.Fatalf("%d octets in the send queue (%v)", queued, ok)
	}
	r.session.watch.look() // which sees the queue for the first time
	return r, queued
}

// takeSome lets the client read until that shows in what is queued for it.
func (r *rig) takeSome(queued int) {
	r.t.Helper()
	r.until("the client's system takes a little more", func() bool {
		_, _ = io.CopyN(io.Discard, r.client, 4<<10)
		now, _ := sendQueue(r.session.beneath.Conn)
		return now != queued
	})
}

// silence makes the session believe that nothing moved for its idle time.
func (r *rig) silence() { r.session.heard.Store(r.session.now() - int64(time.Hour)) }

// A client that reads nothing gets nothing but its idle time.
func TestStalledReaderEndsAfterIdle(t *testing.T) {
	r, _ := stall(t)
	r.session.watch.look()
	r.alive()
	r.silence()
	r.session.watch.look()
	r.ends(EndIdle)
}

// A client that reads, however slowly, is alive, though one write to it
// hasn't returned since long before the idle time.
func TestSlowReaderLives(t *testing.T) {
	r, queued := stall(t)
	for tries, proofs := 0, 0; proofs < 3; tries++ {
		if tries == 50 {
			t.Fatal("every write returned as soon as the client read a little")
		}
		_, before := r.session.Bytes()
		r.takeSome(queued)
		r.until("nothing moves", r.stuck)
		now, _ := sendQueue(r.session.beneath.Conn)
		if _, after := r.session.Bytes(); after == before && now != queued {
			r.silence()
			proofs++
		}
		r.session.watch.look()
		r.alive()
		queued = now
	}
	r.silence()
	r.session.watch.look()
	r.ends(EndIdle)
}

// The same when the last octets are the kernel's already and no write is under
// way: a megabyte can take a slow line longer than the idle time.
func TestSlowReaderOfTheLastBytesLives(t *testing.T) {
	r := open(t, fast, func(o *Options) { o.Idle = time.Hour })
	const size = 1 << 20
	r.send(r.backend, strings.Repeat("0123456789abcde\n", size/16))
	r.until("all is written", func() bool {
		_, n := r.session.Bytes()
		return n == size && !r.session.writing.Load()
	})
	r.session.watch.look()
	queued, _ := sendQueue(r.session.beneath.Conn)
	if queued == 0 {
		t.Fatal("the client's system took all without being read")
	}
	r.takeSome(queued)
	r.silence()
	r.session.watch.look()
	r.alive()
}

// Two looks may meet: a timer that is set anew doesn't wait for the look that
// it began. The race detector judges.
func TestLooksMayMeet(t *testing.T) {
	r, queued := stall(t)
	r.takeSome(queued)
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(r.session.watch.look)
		wait.Go(r.session.watch.wake)
	}
	wait.Wait()
	r.alive()
}

// 50 MB that nobody reads lie in the backend, not in popgate.
func TestStalledReaderCostsNoMemory(t *testing.T) {
	before := heap()
	r, _ := stall(t)
	if grown := heap() - before; grown > 4<<20 {
		t.Errorf("the heap has grown by %d octets", grown)
	}
	r.hangUp("RST")
	r.ends(EndClientLost)
}

// heap is what is in use after a collection.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
