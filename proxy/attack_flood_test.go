package proxy_test

import (
	"crypto/tls"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"popgate/internal/poptest"
)

// Attack C1: a writer that never ends its line, and would write 1 GB, is rid
// of as soon as the line is too long. It gets no further than the buffers of
// the system and what is read to part in peace.
func TestEndlessLine(t *testing.T) {
	const most = 1 << 30
	for _, kind := range []string{"under TLS", "in clear", "in an exchange", "instead of a handshake", "instead of a PROXY header"} {
		t.Run(kind, func(t *testing.T) {
			s := newStand(t, "127.0.0.1:1", func(p *plan) {
				p.settings.Listeners[0].StartTLS = kind == "in clear"
				if kind == "instead of a PROXY header" {
					p.settings.Listeners[0].ProxyFrom = loopback
				}
			})
			defer s.close()
			out, closeAll := s.flooded(t, kind)
			defer closeAll()
			before := heap()
			part := []byte(strings.Repeat("a", 64<<10))
			var grown int64
			sent := 0
			for sent < most {
				n, err := out.Write(part)
				sent += n
				if err != nil {
					break
				}
				if sent%(256<<10) == 0 {
					grown = max(grown, heap()-before)
				}
			}
			if sent > 16<<20 {
				t.Errorf("%d octets were taken", sent)
			}
			if grown > 1<<20 {
				t.Errorf("%d octets of memory", grown)
			}
			s.log.await(t, sessionLine, 1)
		})
	}
}

// flooded is a client that has come so far that its flood is of the kind.
func (s *stand) flooded(t *testing.T, kind string) (out io.Writer, closeAll func()) {
	t.Helper()
	under, err := s.raw()
	if err != nil {
		t.Fatal(err)
	}
	closeAll = func() { _ = under.Close() }
	switch kind {
	case "in clear":
		return under, closeAll
	case "instead of a handshake", "instead of a PROXY header":
		// A record's head, so that it isn't over with the first octet.
		_, _ = io.WriteString(under, "\x16\x03\x01\x40\x00")
		return under, closeAll
	}
	m := newMail(under, under, s.tls)
	err = m.ask("", "+OK")
	if err == nil && kind == "in an exchange" {
		err = m.asks("AUTH PLAIN", "+ ")
	}
	if err != nil {
		t.Fatal(err)
	}
	return m, closeAll
}

// heap is the memory in use, after a collection.
func heap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// Attack C2: 100,000 commands in one write are answered 100 times, whether the
// client reads or not.
func TestFloodOfCommands(t *testing.T) {
	s := newStand(t, "127.0.0.1:1")
	defer s.close()
	m, err := s.dial()
	if err != nil {
		t.Fatal(err)
	}
	defer m.under.Close()
	before := heap()
	// It may fail: the proxy closes with most of it unread.
	_, _ = io.WriteString(m, strings.Repeat("NOOP\r\n", 100000))
	s.log.await(t, sessionLine, 1)
	if grown := heap() - before; grown > 1<<20 {
		t.Errorf("%d octets of memory", grown)
	}
	if !strings.Contains(s.log.String(), `"end":"too_many_commands"`) {
		t.Error(s.log)
	}
	// The system may have dropped answers with the reset, but made none.
	got, _ := io.ReadAll(m.in)
	answers, last, whole := strings.Cut(string(got), "-ERR")
	if strings.ReplaceAll(answers, "+OK\r\n", "") != "" || len(answers) > 100*len("+OK\r\n") ||
		whole && last != " too many commands before login\r\n" {
		t.Errorf("the client got %q", got)
	}
}

// Attack C2: a client that takes no answer is closed when a write to it has
// waited for 30 s.
func TestClientThatReadsNothing(t *testing.T) {
	for _, command := range []string{"NOOP\r\n", "CAPA\r\n", "AUTH\r\n"} {
		synctest.Test(t, func(t *testing.T) {
			ca := poptest.NewCA(t)
			r := newRig(t, ca, nil)
			defer r.close()
			raw := r.connect().(*poptest.Conn)
			conn := tls.Client(raw, &tls.Config{RootCAs: ca.Pool(), ServerName: "pop.example.com"})
			greeting := make([]byte, 64)
			if _, err := conn.Read(greeting); err != nil {
				t.Fatal(err)
			}
			_ = raw.SetReadBuffer(1) // a window of one octet
			began := time.Now()
			if _, err := io.WriteString(conn, strings.Repeat(command, 20)); err != nil {
				t.Error(err)
			}
			synctest.Wait()
			for r.open("before_login") > 0 && time.Since(began) < time.Hour {
				<-time.After(time.Second)
			}
			if took := time.Since(began); took < 30*time.Second || took > 40*time.Second {
				t.Errorf("%q: closed after %v", command, took)
			}
			_ = raw.Close()
		})
	}
}
