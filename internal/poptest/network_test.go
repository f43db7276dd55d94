package poptest

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestListener(t *testing.T) {
	ln := NewListener(netip.MustParseAddrPort("192.0.2.7:995"))
	from := netip.MustParseAddrPort("198.51.100.3:1234")
	near, err := ln.Dial(from)
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	far, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	if far.RemoteAddr().String() != from.String() || near.RemoteAddr().String() != ln.Addr().String() {
		t.Errorf("addresses: %v, %v", far.RemoteAddr(), near.RemoteAddr())
	}
	mustWrite(t, near, "hello")
	mustRead(t, far, "hello")

	ln.FailAccept(1, os.NewSyscallError("accept4", syscall.EMFILE))
	if _, err := ln.Accept(); !errors.Is(err, syscall.EMFILE) {
		t.Errorf("accept: %v", err)
	}
	unaccepted, _ := ln.Dial(from)
	ln.Close()
	if _, err := unaccepted.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("a connection nobody accepted: %v", err)
	}
	if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept after close: %v", err)
	}
	if _, err := ln.Dial(from); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial after close: %v", err)
	}
}

func TestNetwork(t *testing.T) {
	n := NewNetwork()
	ln := n.Listen("old.example:110")
	defer ln.Close()
	c, err := n.DialContext(t.Context(), "tcp", "old.example:110")
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	for _, addr := range []string{"10.0.0.5:110", "old.example:110"} {
		n.OnDial("old.example:110", Refused)
		c, err := n.DialContext(t.Context(), "tcp", addr)
		if c != nil || !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dial %s: %v, %v", addr, c, err)
		}
	}
	n.OnDial("old.example:110", nil)
	ln.Close()
	if c, err := n.DialContext(t.Context(), "tcp", "old.example:110"); c != nil || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial a closed listener: %v, %v", c, err)
	}
	if got := n.Dials("old.example:110"); got != 3 {
		t.Errorf("%d dials", got)
	}
}

func TestBlackHole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := NewNetwork()
		n.OnDial("10.0.0.5:110", BlackHole)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		for _, c := range []struct {
			ctx   context.Context
			after time.Duration
		}{{ctx, 10 * time.Second}, {t.Context(), 127 * time.Second}} {
			start := time.Now()
			_, err := n.DialContext(c.ctx, "tcp", "10.0.0.5:110")
			var timeout net.Error
			if !errors.As(err, &timeout) || !timeout.Timeout() || time.Since(start) != c.after {
				t.Errorf("after %v: %v", time.Since(start), err)
			}
		}
	})
}
