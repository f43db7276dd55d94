package relay

import (
	"bytes"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// recorder keeps what is written to it, write by write.
type recorder struct {
	net.Conn // where the writes go on to; nil: nowhere

	mu     sync.Mutex
	writes [][]byte
	fail   func(write int) error // nil: none fails
}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	if r.fail != nil {
		if err := r.fail(len(r.writes)); err != nil {
			r.mu.Unlock()
			return 0, err
		}
	}
	r.writes = append(r.writes, bytes.Clone(p))
	r.mu.Unlock()
	if r.Conn == nil {
		return len(p), nil
	}
	return r.Conn.Write(p)
}

// all returns the writes so far, as texts.
func (r *recorder) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var texts []string
	for _, b := range r.writes {
		texts = append(texts, string(b))
	}
	return texts
}

func TestConnGathersWrites(t *testing.T) {
	for _, test := range []struct {
		name         string
		room         int
		writes, want []string
	}{
		{"nothing", 8, nil, nil},
		{"one", 8, []string{"abc"}, []string{"abc"}},
		{"many in one", 8, []string{"abc", "de", "fgh"}, []string{"abcdefgh"}},
		{"no room left", 8, []string{"abcde", "fghi", "j"}, []string{"abcde", "fghij"}},
		{"larger than the room", 4, []string{"ab", "cdefgh", "ij"}, []string{"ab", "cdefgh", "ij"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			below := &recorder{}
			c := NewConn(below, nil, time.Minute)
			c.hold(make([]byte, 0, test.room))
			for _, w := range test.writes {
				if n, err := c.Write([]byte(w)); n != len(w) || err != nil {
					t.Errorf("write %q: %d, %v", w, n, err)
				}
			}
			if err := c.release(false); err != nil {
				t.Error(err)
			}
			c.letGo()
			if got := below.all(); !slices.Equal(got, test.want) {
				t.Errorf("wrote %q, want %q", got, test.want)
			}
			if _, err := c.Write([]byte("!")); err != nil || len(below.all()) != len(test.want)+1 {
				t.Errorf("a write after release didn't pass through: %v", err)
			}
		})
	}
}

func TestConnReportsAFailedFlush(t *testing.T) {
	broken := errors.New("broken")
	c := NewConn(&recorder{fail: func(int) error { return broken }}, nil, time.Minute)
	c.hold(make([]byte, 0, 4))
	if _, err := c.Write([]byte("abc")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte("de")); !errors.Is(err, broken) {
		t.Errorf("write without room: %v, want %v", err, broken)
	}
	if _, err := c.Write([]byte("fg")); err != nil {
		t.Fatal(err) // kept, and never sent
	}
	if err := c.release(false); !errors.Is(err, broken) {
		t.Errorf("release: %v, want %v", err, broken)
	}
}

func TestConnReadsItsHeadFirst(t *testing.T) {
	near, far := pipePair()
	c := NewConn(far, []byte("head"), time.Minute)
	if _, err := near.Write([]byte(" and body")); err != nil {
		t.Fatal(err)
	}
	_ = near.CloseWrite()
	var first [3]byte
	if n, err := c.Read(first[:]); n != 3 || err != nil || c.Ended() {
		t.Errorf("read %q (%v), ended: %v", first[:n], err, c.Ended())
	}
	if rest, err := io.ReadAll(c); string(rest) != "d and body" || err != nil || !c.Ended() {
		t.Errorf("read %q (%v), ended: %v", rest, err, c.Ended())
	}
}

func TestConnTellsFINFromCloseNotify(t *testing.T) {
	for _, how := range hangUps[:3] {
		near, far := pipePair()
		wire := NewConn(far, nil, time.Minute)
		client, server := tlsPair(t, plainTLS, near, NewConn(near, nil, time.Minute), wire)
		r := &rig{t: t, client: client}
		r.hangUp(how)
		if _, err := server.Read(make([]byte, 1)); err != io.EOF || wire.Ended() != (how == "FIN") {
			t.Errorf("%s: %v, ended: %v", how, err, wire.Ended())
		}
	}
}

// A chunk of the backend's is four TLS records and more; they leave in one
// write.
func TestOneWriteForManyRecords(t *testing.T) {
	virtual(t, "four records", func(t *testing.T) {
		below := &recorder{}
		over := plainTLS
		over.wrap = func(c net.Conn) net.Conn { below.Conn = c; return below }
		r := open(t, over)
		handshake := len(below.all())
		message := strings.Repeat("0123456789abcdef", chunk/16)
		got := make(chan error, 1)
		go func() { got <- read(r.client, message+"+OK\r\n") }()
		r.send(r.backend, message)
		synctest.Wait()
		r.send(r.backend, "+OK\r\n")
		if err := <-got; err != nil {
			t.Error(err)
		}
		writes := below.all()[handshake:]
		if len(writes) != 2 || records(writes[0]) != 4 || records(writes[1]) != 1 {
			t.Errorf("%d writes, the first with %d records; want 4 records in one write, then 1",
				len(writes), records(writes[0]))
		}
	})
}

// records counts the whole TLS records in b.
func records(b string) (n int) {
	for ; len(b) >= 5; n++ {
		size := 5 + int(b[3])<<8 + int(b[4])
		if len(b) < size {
			break
		}
		b = b[size:]
	}
	return n
}

func TestFailedFlushEndsTheSession(t *testing.T) {
	for _, test := range []struct {
		name, up string
		end      End
	}{
		{"at once", "RETR 1\r\n", EndClientLost},
		{"when the QUIT is carried out", "QUIT\r\n", EndQuit},
	} {
		virtual(t, test.name, func(t *testing.T) {
			below := &recorder{}
			over := plainTLS
			over.wrap = func(c net.Conn) net.Conn { below.Conn = c; return below }
			r := open(t, over)
			below.mu.Lock()
			below.fail = func(int) error { return errors.New("broken") }
			below.mu.Unlock()
			r.send(r.client, test.up)
			r.expect(r.backend, test.up)
			r.send(r.backend, "+OK\r\n")
			synctest.Wait()
			if test.end == EndQuit {
				r.expectQuiet(r.backend)
				r.alive()
				_ = r.backend.Close()
			} else {
				r.expectEnd(r.backend, "")
			}
			r.ends(test.end)
		})
	}
}
