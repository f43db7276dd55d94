package poptest

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// onBoth runs a test on a Pipe and on a real TCP connection over loopback, as
// the one is to behave like the other.
func onBoth(t *testing.T, test func(t *testing.T, a, b net.Conn)) {
	t.Run("pipe", func(t *testing.T) {
		a, b := Pipe()
		defer a.Close()
		defer b.Close()
		test(t, a, b)
	})
	t.Run("tcp", func(t *testing.T) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		a, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		b, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		test(t, a, b)
	})
}

func mustWrite(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if n, err := c.Write([]byte(text)); n != len(text) || err != nil {
		t.Fatalf("write %q: %d, %v", text, n, err)
	}
}

func mustRead(t *testing.T, c net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("read %q, %v; want %q", got, err, want)
	}
}

// writeUntil writes until an error comes: TCP tells a writer of a dead peer at
// the second write only.
func writeUntil(t *testing.T, c net.Conn) error {
	t.Helper()
	for range 10000 {
		if _, err := c.Write([]byte("x")); err != nil {
			return err
		}
	}
	t.Fatal("writing to a dead peer never failed")
	return nil
}

func TestHalfClose(t *testing.T) {
	onBoth(t, func(t *testing.T, a, b net.Conn) {
		mustWrite(t, a, "all commands")
		if err := FIN(a); err != nil {
			t.Fatal(err)
		}
		mustRead(t, b, "all commands")
		for range 2 {
			if n, err := b.Read(make([]byte, 1)); n != 0 || err != io.EOF {
				t.Fatalf("read after FIN: %d, %v", n, err)
			}
		}
		if _, err := a.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("write after own FIN: %v", err)
		}
		mustWrite(t, b, "all answers")
		mustRead(t, a, "all answers")
	})
}

func TestCloseIsAnOrderlyEnd(t *testing.T) {
	onBoth(t, func(t *testing.T, a, b net.Conn) {
		mustWrite(t, a, "last words")
		a.Close()
		mustRead(t, b, "last words")
		if _, err := b.Read(make([]byte, 1)); err != io.EOF {
			t.Fatalf("read after close: %v", err)
		}
		if err := writeUntil(t, b); !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("write to a closed peer: %v", err)
		}
		// A writer that has failed may still learn that the end was orderly.
		if _, err := b.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("read after the failed write: %v", err)
		}
	})
}

func TestCloseWithUnreadBytesIsAReset(t *testing.T) {
	onBoth(t, func(t *testing.T, a, b net.Conn) {
		mustWrite(t, b, "never read")
		mustWrite(t, a, "-ERR go away\r\n")
		mustRead(t, a, "n") // the rest has arrived as well
		a.Close()
		mustRead(t, b, "-ERR go away\r\n")
		if _, err := b.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("read: %v", err)
		}
	})
}

func TestReset(t *testing.T) {
	onBoth(t, func(t *testing.T, a, b net.Conn) {
		failed := make(chan error)
		go func() {
			_, err := b.Read(make([]byte, 1))
			failed <- err
		}()
		if err := RST(a); err != nil {
			t.Fatal(err)
		}
		if err := <-failed; !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("waiting read: %v", err)
		}
		if _, err := b.Write([]byte("x")); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
			t.Errorf("write: %v", err)
		}
		if _, err := a.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("own read: %v", err)
		}
	})
}

func TestResetLosesData(t *testing.T) {
	a, b := Pipe()
	defer b.Close()
	mustWrite(t, a, "on its way")
	a.Reset()
	if n, err := b.Read(make([]byte, 20)); n != 0 || !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("read: %d, %v", n, err)
	}
}

func TestDeadlines(t *testing.T) {
	onBoth(t, func(t *testing.T, a, b net.Conn) {
		past := time.Unix(1, 0)
		mustWrite(t, b, "waiting")
		a.SetDeadline(past)
		for name, op := range map[string]func([]byte) (int, error){"read": a.Read, "write": a.Write} {
			var timeout net.Error
			_, err := op([]byte("x"))
			if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
				t.Errorf("%s: %v", name, err)
			}
		}
		a.SetDeadline(time.Time{})
		mustRead(t, a, "waiting")
	})
}

func TestLocalClose(t *testing.T) {
	onBoth(t, func(t *testing.T, a, b net.Conn) {
		if n, err := a.Read(nil); n != 0 || err != nil {
			t.Errorf("empty read: %d, %v", n, err)
		}
		if n, err := a.Write(nil); n != 0 || err != nil {
			t.Errorf("empty write: %d, %v", n, err)
		}
		failed := make(chan error)
		go func() {
			_, err := a.Read(make([]byte, 1))
			failed <- err
		}()
		a.Close()
		_, writeErr := a.Write([]byte("x"))
		for op, err := range map[string]error{
			"waiting read": <-failed, "write": writeErr, "close": a.Close(), "half-close": FIN(a),
			"deadline": a.SetReadDeadline(time.Time{}),
		} {
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s: %v", op, err)
			}
		}
	})
}

func TestDeadlineInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe()
		defer a.Close()
		defer b.Close()
		start := time.Now()
		a.SetReadDeadline(start.Add(time.Minute))
		if _, err := a.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read: %v", err)
		}
		if d := time.Since(start); d != time.Minute {
			t.Errorf("the deadline came after %v", d)
		}
		// A Write that fills the buffer says how far it came.
		b.SetReadBuffer(10)
		a.SetWriteDeadline(time.Now().Add(time.Second))
		if n, err := a.Write(make([]byte, 15)); n != 10 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("write: %d, %v", n, err)
		}
		// A deadline moved while somebody waits counts for him.
		a.SetReadDeadline(time.Time{})
		failed := make(chan error)
		go func() {
			_, err := a.Read(make([]byte, 1))
			failed <- err
		}()
		synctest.Wait()
		a.SetReadDeadline(time.Unix(1, 0))
		if err := <-failed; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("waiting read: %v", err)
		}
	})
}

func TestBufferHoldsTheWriterBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe()
		defer a.Close()
		defer b.Close()
		written := make(chan error, 1)
		go func() {
			_, err := a.Write(make([]byte, DefaultBuffer+1))
			written <- err
		}()
		synctest.Wait()
		select {
		case err := <-written:
			t.Fatalf("a Write over the buffer ended: %v", err)
		default:
		}
		mustRead(t, b, "\x00")
		if err := <-written; err != nil {
			t.Error(err)
		}
	})
}

// TestTwoWritersWait: both ends write and neither reads. They must sleep, so
// that a bubble's clock can go on to their deadlines.
func TestTwoWritersWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe()
		defer a.Close()
		defer b.Close()
		written := make(chan error)
		for _, c := range []*Conn{a, b} {
			c.SetWriteDeadline(time.Now().Add(time.Minute))
			go func() {
				_, err := c.Write(make([]byte, 2*DefaultBuffer))
				written <- err
			}()
		}
		for range 2 {
			if err := <-written; !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("write: %v", err)
			}
		}
	})
}

func TestSegments(t *testing.T) {
	read := func(c net.Conn) string {
		buf := make([]byte, 100)
		n, err := c.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		return string(buf[:n])
	}
	a, b := Pipe()
	defer a.Close()
	defer b.Close()
	mustWrite(t, a, "ST")
	mustWrite(t, a, "LS")
	if got := read(b); got != "STLS" {
		t.Errorf("read %q", got)
	}
	mustWrite(t, a, "be")
	a.KeepSegments()
	mustWrite(t, a, "twe")
	mustWrite(t, a, "en")
	for _, want := range []string{"be", "twe", "en"} {
		if got := read(b); got != want {
			t.Errorf("read %q, want %q", got, want)
		}
	}
}

func TestAddresses(t *testing.T) {
	a, b := Pipe()
	defer a.Close()
	defer b.Close()
	a.SetAddrs(netip.MustParseAddrPort("[2001:db8::1]:4711"), netip.MustParseAddrPort("192.0.2.9:995"))
	for _, c := range []struct {
		got  net.Addr
		want string
	}{
		{a.LocalAddr(), "[2001:db8::1]:4711"}, {b.RemoteAddr(), "[2001:db8::1]:4711"},
		{a.RemoteAddr(), "192.0.2.9:995"}, {b.LocalAddr(), "192.0.2.9:995"},
	} {
		if _, ok := c.got.(*net.TCPAddr); !ok || c.got.String() != c.want {
			t.Errorf("got %T %v, want %s", c.got, c.got, c.want)
		}
	}
}

// TestBytesInAreBytesOut sends random data both ways at once, in random
// pieces, by two writers whose writes must not mix.
func TestBytesInAreBytesOut(t *testing.T) {
	a, b := Pipe()
	b.SetReadBuffer(777)
	var group sync.WaitGroup
	for _, c := range []struct{ from, to *Conn }{{a, b}, {b, a}} {
		var senders sync.WaitGroup
		for _, mark := range []byte{'x', 'y'} {
			senders.Go(func() {
				piece := bytes.Repeat([]byte{mark}, 1000)
				for range 50 {
					if _, err := c.from.Write(piece); err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Go(func() {
			senders.Wait()
			c.from.CloseWrite()
		})
		group.Go(func() {
			got := readPieces(t, c.to)
			if len(got) != 100_000 {
				t.Errorf("%d bytes arrived", len(got))
			}
			for i := 0; i+1000 <= len(got); i += 1000 {
				if n := bytes.Count(got[i:i+1000], got[i:i+1]); n != 1000 {
					t.Fatalf("two writes are mixed at %d", i)
				}
			}
		})
	}
	group.Wait()
	a.Close()
	b.Close()
}

// readPieces reads to the end with buffers of random size.
func readPieces(t *testing.T, c net.Conn) []byte {
	var all []byte
	for {
		buf := make([]byte, 1+rand.IntN(3000))
		n, err := c.Read(buf)
		all = append(all, buf[:n]...)
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Error(err)
			return all
		}
	}
}
