package pop3_test

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"popgate/internal/pop3"
)

// However a stream is cut into segments, the same lines come out of it.
func TestReaderSplits(t *testing.T) {
	for _, tt := range streams {
		t.Run(tt.name, func(t *testing.T) {
			check := func(how string, src io.Reader) {
				t.Helper()
				if got := replay(pop3.NewReader(src), tt.next); !equalEvents(got, tt.want) {
					t.Errorf("%s: got\n\t%v\nwant\n\t%v", how, got, tt.want)
				}
			}
			check("one byte a read", iotest.OneByteReader(strings.NewReader(tt.stream)))
			check("half reads", iotest.HalfReader(strings.NewReader(tt.stream)))
			check("EOF beside the last data", iotest.DataErrReader(strings.NewReader(tt.stream)))
			for at := range len(tt.stream) + 1 {
				check("split", &source{[]piece{{data: tt.stream[:at]}, {data: tt.stream[at:]}}})
			}
		})
	}
}

// Nothing is lost and nothing handed out early when a deadline passes,
// wherever in the stream it does.
func TestReaderDeadlines(t *testing.T) {
	timeout := piece{err: os.ErrDeadlineExceeded}
	for _, tt := range streams {
		t.Run(tt.name, func(t *testing.T) {
			for at := range len(tt.stream) + 1 {
				src := &source{[]piece{{data: tt.stream[:at]}, timeout, timeout, {data: tt.stream[at:]}, timeout}}
				if got := replay(pop3.NewReader(src), tt.next); !equalEvents(got, tt.want) {
					t.Errorf("deadline after %d octets: got\n\t%v\nwant\n\t%v", at, got, tt.want)
				}
			}
			var single []piece
			for _, b := range []byte(tt.stream) {
				single = append(single, piece{data: string([]byte{b})}, timeout)
			}
			if got := replay(pop3.NewReader(&source{single}), tt.next); !equalEvents(got, tt.want) {
				t.Errorf("deadline after each octet: got\n\t%v\nwant\n\t%v", got, tt.want)
			}
		})
	}
}

// The same on a real deadline, in virtual time.
func TestReaderDeadlineOfConn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		defer server.Close()
		passed := make(chan struct{})
		go func() {
			defer client.Close()
			_, _ = io.WriteString(client, "DELE 1")
			<-passed
			_, _ = io.WriteString(client, "2\r\nQUIT")
		}()
		r := pop3.NewReader(server)
		_ = server.SetReadDeadline(time.Now().Add(time.Second))
		if line, err := r.ReadCommand(); !errors.Is(err, os.ErrDeadlineExceeded) || line != nil {
			t.Errorf("got %q, %v, want a passed deadline", line, err)
		}
		_ = server.SetReadDeadline(time.Time{})
		close(passed)
		wantEvents(t, replay(r, (*pop3.Reader).ReadCommand), []event{{"DELE 12", nil}, {"", io.ErrUnexpectedEOF}})
	})
}

// Once a line is there, the source is not asked for more: it might block.
func TestReaderReadsNoFurther(t *testing.T) {
	reads := 0
	src := readerFunc(func(p []byte) (int, error) {
		reads++
		return copy(p, "USER a\r\nPASS b\r\n"), nil
	})
	r := pop3.NewReader(src)
	for range 2 {
		if _, err := r.ReadCommand(); err != nil {
			t.Fatal(err)
		}
	}
	if reads != 1 {
		t.Errorf("two lines of one segment took %d reads", reads)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
