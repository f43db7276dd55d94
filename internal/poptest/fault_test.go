package poptest

import (
	"errors"
	"io"
	"net"
	"slices"
	"syscall"
	"testing"
	"time"
)

// segments reads c to its end, Read by Read.
func segments(t *testing.T, c net.Conn) (all []string) {
	t.Helper()
	for {
		buf := make([]byte, 100)
		n, err := c.Read(buf)
		if n > 0 {
			all = append(all, string(buf[:n]))
		}
		if err != nil {
			return all
		}
	}
}

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		name  string
		split func(net.Conn) net.Conn
		want  []string
	}{
		{"one byte each", func(c net.Conn) net.Conn { return SplitEvery(c, 1) }, []string{"Q", "U", "I", "T", "\r", "\n"}},
		{"four", func(c net.Conn) net.Conn { return SplitEvery(c, 4) }, []string{"QU", "IT", "\r\n"}},
		{"at 5", func(c net.Conn) net.Conn { return SplitAt(c, 5) }, []string{"QU", "IT\r", "\n"}},
		{"unordered", func(c net.Conn) net.Conn { return SplitAt(c, 5, 1, 1, 90) }, []string{"Q", "U", "IT\r", "\n"}},
		{"nowhere", func(c net.Conn) net.Conn { return SplitAt(c, 0, 6) }, []string{"QU", "IT\r\n"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := Pipe()
			defer b.Close()
			s := c.split(a)
			mustWrite(t, s, "QU")
			mustWrite(t, s, "IT\r\n")
			if err := FIN(s); err != nil {
				t.Fatal(err)
			}
			if got := segments(t, b); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			a.Close()
		})
	}
}

func TestCutWrite(t *testing.T) {
	const text = "QUIT\r\n"
	for n := range len(text) + 1 {
		a, b := Pipe()
		c := CutWrite(a, n, func() error { return FIN(a) })
		written, err := c.Write([]byte(text))
		if written != n || (err == nil) != (n == len(text)) || err != nil && !errors.Is(err, ErrCut) {
			t.Errorf("cut at %d: wrote %d, %v", n, written, err)
		}
		if _, err := c.Write([]byte("x")); !errors.Is(err, ErrCut) {
			t.Errorf("cut at %d: second write: %v", n, err)
		}
		if got, err := io.ReadAll(b); string(got) != text[:n] || err != nil {
			t.Errorf("cut at %d: got %q, %v", n, got, err)
		}
		a.Close()
		b.Close()
	}
}

func TestCutRead(t *testing.T) {
	const text = "+OK\r\n"
	for n := range len(text) {
		a, b := Pipe()
		mustWrite(t, b, text)
		c := CutRead(a, n, func() error { return RST(a) })
		got, err := io.ReadAll(c)
		if string(got) != text[:n] || !errors.Is(err, net.ErrClosed) {
			t.Errorf("cut at %d: got %q, %v", n, got, err)
		}
		if _, err := b.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("cut at %d: the peer read: %v", n, err)
		}
		b.Close()
	}
	// With a half-close in its place the reader goes on to the end.
	a, b := Pipe()
	defer a.Close()
	defer b.Close()
	mustWrite(t, b, text)
	b.CloseWrite()
	c := CutRead(a, 2, func() error { return FIN(a) })
	if got, err := io.ReadAll(c); string(got) != text || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := io.ReadAll(b); len(got) != 0 || err != nil {
		t.Errorf("the peer got %q, %v", got, err)
	}
}

func TestNothingToEnd(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	a.SetDeadline(time.Time{})
	if err := FIN(a); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("FIN: %v", err)
	}
	if err := RST(SplitEvery(a, 1)); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("RST: %v", err)
	}
}
