package relay

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Until the relay begins, what is written before a Read leaves in one write.
func TestConnWritesBeforeItReads(t *testing.T) {
	near, far := pipePair()
	below := &recorder{Conn: far}
	c := NewConn(below, nil, time.Minute)
	long := strings.Repeat("x", letter-1)
	for _, round := range []struct{ writes, want []string }{
		{[]string{"ticket", "+OK\r\n"}, []string{"ticket+OK\r\n"}},
		{nil, nil},
		{[]string{"ab", long}, []string{"ab", long}},
		{[]string{"ab", long + long, "c"}, []string{"ab", long + long, "c"}},
	} {
		before := len(below.all())
		for _, w := range round.writes {
			if n, err := c.Write([]byte(w)); n != len(w) || err != nil {
				t.Fatalf("write %.10q: %d, %v", w, n, err)
			}
		}
		if _, err := near.Write([]byte("?")); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Read(make([]byte, 8)); n != 1 || err != nil {
			t.Fatalf("read %d octets, %v", n, err)
		}
		if got := below.all()[before:]; !slices.Equal(got, round.want) {
			t.Errorf("wrote %.60q, want %.60q", got, round.want)
		}
	}
}

// The end of the stream and the relay's begin take along what waits.
func TestConnLeavesNothingWaiting(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(c *Conn) error
		late []string // what a write after it makes of "late"
	}{
		{"CloseWrite", func(c *Conn) error { return c.CloseWrite() }, nil},
		{"begin", func(c *Conn) error { return c.begin() }, []string{"late"}},
	} {
		_, far := pipePair()
		below := &recorder{Conn: far}
		c := NewConn(below, nil, time.Minute)
		if _, err := c.Write([]byte("+OK\r\n")); err != nil {
			t.Fatal(err)
		}
		if err := test.do(c); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		_, _ = c.Write([]byte("late"))
		if got := below.all(); !slices.Equal(got, append([]string{"+OK\r\n"}, test.late...)) {
			t.Errorf("%s: wrote %q", test.name, got)
		}
	}
}

// A peer that reads nothing holds up no write for longer than patience, until
// the relay begins, whose limits are others.
func TestConnHasPatience(t *testing.T) {
	const patience = 30 * time.Second
	for _, size := range []int{10, letter, letter + 1, 4 * letter} {
		virtual(t, fmt.Sprint(size, " octets"), func(t *testing.T) {
			near, far := pipePair()
			_ = near.SetReadBuffer(1)
			c := NewConn(far, nil, patience)
			start := time.Now()
			done := make(chan error, 1)
			go func() {
				_, err := c.Write(make([]byte, size))
				if err == nil {
					_, err = c.Read(make([]byte, 1))
				}
				done <- err
			}()
			pass(patience + time.Second)
			if len(done) == 0 {
				t.Errorf("still writing after %v", time.Since(start))
			}
			_, _ = near.Close(), far.Close()
			if err := <-done; !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("the write ended with %v, want a timeout", err)
			}
		})
	}
	virtual(t, "in the relay", func(t *testing.T) {
		near, far := pipePair()
		c := NewConn(far, nil, patience)
		_, _ = c.Write([]byte("+OK\r\n"))
		if err := c.begin(); err != nil {
			t.Fatal(err)
		}
		_ = near.SetReadBuffer(1)
		done := make(chan error, 1)
		go func() { _, err := c.Write([]byte("+OK 2 320\r\n")); done <- err }()
		pass(time.Hour)
		if got := len(done); got > 0 {
			t.Error("the write has ended: ", <-done)
		}
		_ = near.SetReadBuffer(64)
		synctest.Wait()
		if err := <-done; err != nil {
			t.Error(err)
		}
		_, _ = near.Close(), far.Close()
	})
}

// After a write has failed, in part perhaps, nothing is written that would
// follow a gap.
func TestConnWritesNothingBehindAGap(t *testing.T) {
	broken := errors.New("broken")
	for _, size := range []int{1, letter + 1} {
		below := &recorder{fail: func(int) error { return broken }}
		c := NewConn(below, nil, time.Minute)
		below.Conn, _ = pipePair()
		_, _ = c.Write([]byte("+OK\r\n"))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, broken) {
			t.Errorf("read: %v, want %v", err, broken)
		}
		below.fail = nil
		_, err := c.Write(make([]byte, size))
		if err == nil {
			_, err = c.Read(make([]byte, 1))
		}
		if got := below.all(); !errors.Is(err, broken) || len(got) > 0 {
			t.Errorf("%d octets behind the gap: %d writes, %v", size, len(got), err)
		}
	}
}
