package poptest

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
)

var anywhere = netip.MustParseAddrPort("127.0.0.1:50001")

func TestBackendAnswersAndRemembers(t *testing.T) {
	ln := NewListener(netip.MustParseAddrPort("10.0.0.1:110"))
	b := NewBackend(ln, Answers("+OK hello\r\n", func(line string) (string, bool) {
		return "+OK " + line + "\r\n", line != "QUIT"
	}))
	defer b.Close()

	whole, err := ln.Dial(anywhere)
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Close()
	mustRead(t, whole, "+OK hello\r\n")
	mustWrite(t, whole, "USER a\nQUIT\r\n")
	mustRead(t, whole, "+OK USER a\r\n+OK QUIT\r\n")
	if _, err := whole.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("after QUIT: %v", err)
	}
	for _, end := range []func(net.Conn) error{FIN, RST} {
		c, err := ln.Dial(anywhere)
		if err != nil {
			t.Fatal(err)
		}
		mustRead(t, c, "+OK hello\r\n")
		mustWrite(t, c, "DELE 1")
		held := b.Conn(b.Connections() - 1)
		held.in.await(forever, func() bool { return len(held.in.all) == len("DELE 1") })
		end(c)
		held.AwaitEnd()
		c.Close()
	}
	if n := b.Connections(); n != 3 {
		t.Fatalf("%d connections", n)
	}
	for i, want := range []struct {
		received string
		end      End
	}{{"USER a\nQUIT\r\n", Closed}, {"DELE 1", EOF}, {"DELE 1", Reset}} {
		if got := string(b.Received(i)); got != want.received || b.End(i) != want.end {
			t.Errorf("connection %d: received %q, %v", i, got, b.End(i))
		}
	}
}

func TestBackendHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ln := NewListener(netip.MustParseAddrPort("10.0.0.1:110"))
		b := NewBackend(ln, nil)
		defer b.Close()
		c, err := ln.Dial(anywhere)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		synctest.Wait()
		b.Conn(0).Hold(true)
		synctest.Wait()
		written := make(chan error, 1)
		text := strings.Repeat("x", DefaultBuffer+1)
		go func() {
			_, err := c.Write([]byte(text))
			written <- err
		}()
		synctest.Wait()
		if n := len(b.Received(0)); n != 0 || len(written) != 0 {
			t.Errorf("a held backend received %d bytes, the writer ended %d times", n, len(written))
		}
		b.Conn(0).Hold(false)
		synctest.Wait()
		if string(b.Received(0)) != text || len(written) != 1 || b.End(0) != Open {
			t.Errorf("received %d bytes, %v", len(b.Received(0)), b.End(0))
		}
	})
}

func TestBackendCloseEndsAll(t *testing.T) {
	ln := NewListener(netip.MustParseAddrPort("10.0.0.1:110"))
	waiting := make(chan struct{})
	b := NewBackend(ln, func(c *BackendConn) {
		close(waiting)
		if line, ok := c.Line(); ok {
			t.Errorf("a line came: %q", line)
		}
	})
	c, err := ln.Dial(anywhere)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	<-waiting
	mustWrite(t, c, "QUIT") // never whole, so never a line
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if _, err := ln.Dial(anywhere); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial after close: %v", err)
	}
	if err := b.Close(); err == nil {
		t.Error("the second Close found the listener open")
	}
}
