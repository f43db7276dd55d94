package poptest

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// End says how the stream that a connection received has ended.
type End int

// The ends of a stream.
const (
	Open   End = iota // not ended
	EOF               // orderly, by FIN
	Reset             // by RST
	Closed            // by the receiving side itself
	Broken            // by any other error
)

// String names the end.
func (e End) String() string {
	return [...]string{"open", "eof", "reset", "closed here", "broken"}[e]
}

// inbox receives all that comes over a connection, in a goroutine of its own,
// remembers it with its times, and lets a test consume it in order.
type inbox struct {
	mu      sync.Mutex
	changed chan struct{} // closed and replaced at every change
	all     []byte        // everything received
	arrived []arrival     // when, in order
	used    int           // bytes of all that were consumed
	end     error         // why receiving ended; nil while it goes on
	endAt   time.Time
	note    error // the TLS alert (errCloseNotify too) that ended the data, if one did
	noteAt  time.Time
	secure  bool // the data comes through TLS
	held    bool // receive nothing for now
	rest    bool // whatever isn't consumed is of no interest

	raw  net.Conn // where deadlines are set
	done chan struct{}
}

// arrival says when the bytes before an offset were there.
type arrival struct {
	upto int
	at   time.Time
}

// notice is the error of a source whose data has ended while TCP has not.
type notice struct{ error }

// receive starts reading src, which is raw or a layer above it.
func receive(src io.Reader, raw net.Conn) *inbox {
	in := &inbox{changed: make(chan struct{}), raw: raw}
	in.start(src)
	return in
}

func (in *inbox) start(src io.Reader) {
	in.done = make(chan struct{})
	go in.pump(src, in.done)
}

// stop ends the reading, without an end of the stream, so that something else
// may read the connection.
func (in *inbox) stop() {
	in.hold(true)
	in.mu.Lock()
	done := in.done
	in.done = nil
	in.tell()
	in.mu.Unlock()
	<-done
	in.hold(false)
}

// hold stops receiving (the sender will find its window full) or goes on.
func (in *inbox) hold(on bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.held = on
	var by time.Time
	if on {
		by = time.Unix(1, 0) // long ago: wakes a Read that waits
	}
	in.raw.SetReadDeadline(by)
	in.tell()
}

// pump receives until the stream ends or stop is called.
func (in *inbox) pump(src io.Reader, done chan struct{}) {
	defer close(done)
	buf := make([]byte, 32<<10)
	for in.mayRead(done) {
		n, err := src.Read(buf)
		src = in.got(src, buf[:n], err)
		if src == nil {
			return
		}
	}
}

// mayRead waits while the inbox is held; false means that it was stopped.
func (in *inbox) mayRead(done chan struct{}) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	for in.held && in.done == done {
		changed := in.changed
		in.mu.Unlock()
		<-changed
		in.mu.Lock()
	}
	return in.done == done
}

// got books what one Read gave and says what to read next, nil for nothing.
func (in *inbox) got(src io.Reader, data []byte, err error) io.Reader {
	in.mu.Lock()
	defer in.mu.Unlock()
	defer in.tell()
	now := time.Now()
	if in.note != nil && len(data) > 0 {
		in.end, in.endAt = errors.New("more bytes came after the TLS data had ended"), now
		return nil
	}
	if len(data) > 0 {
		in.all = append(in.all, data...)
		in.arrived = append(in.arrived, arrival{len(in.all), now})
	}
	var note notice
	switch {
	case err == nil, errors.Is(err, os.ErrDeadlineExceeded):
		return src // only hold sets deadlines
	case errors.As(err, &note):
		// How TCP ends after the TLS data is worth knowing too.
		in.note, in.noteAt = note.error, now
		return in.raw
	}
	in.end, in.endAt = err, now
	return nil
}

// tell wakes all that wait for a change. The lock is held.
func (in *inbox) tell() {
	close(in.changed)
	in.changed = make(chan struct{})
}

// await waits until ok, which is called with the lock held, says true. After
// patience, unless that is forever, it gives up and says false.
func (in *inbox) await(patience time.Duration, ok func() bool) bool {
	var late <-chan time.Time
	if patience != forever {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		late = timer.C
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	for !ok() {
		changed := in.changed
		in.mu.Unlock()
		select {
		case <-changed:
			in.mu.Lock()
		case <-late:
			in.mu.Lock()
			return ok()
		}
	}
	return true
}

// unread is what was received and not consumed. The lock is held.
func (in *inbox) unread() []byte { return in.all[in.used:] }

// use consumes n bytes and says when the last of them came. The lock is held.
func (in *inbox) use(n int) time.Time {
	in.used += n
	for in.arrived[0].upto < in.used {
		in.arrived = in.arrived[1:]
	}
	return in.arrived[0].at
}

// firstUnread says when the first thing came that wasn't consumed, an end
// included; the zero time means that there is none. The lock is held.
func (in *inbox) firstUnread() time.Time {
	for _, a := range in.arrived {
		if a.upto > in.used {
			return a.at
		}
	}
	if in.note != nil {
		return in.noteAt
	}
	return in.endAt
}

// line consumes the next line and returns it with its LF; false if the stream
// ended before.
func (in *inbox) line() ([]byte, bool) {
	var line []byte
	in.await(forever, func() bool {
		i := bytes.IndexByte(in.unread(), '\n')
		if i >= 0 {
			line = in.unread()[:i+1]
			in.use(i + 1)
		}
		return i >= 0 || in.end != nil
	})
	return line, line != nil
}

// forever is a patience without a timer: where a bubble's goroutines all wait,
// synctest is to report that, not to move the clock by years.
const forever time.Duration = -1

// waiting is what was received and matters and was not consumed.
func (in *inbox) waiting() []byte {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.rest {
		return nil
	}
	return bytes.Clone(in.unread())
}

// kind sorts the end of the stream. The lock is held.
func (in *inbox) kind() End {
	switch {
	case in.end == nil:
		return Open
	case errors.Is(in.end, io.EOF):
		return EOF
	case errors.Is(in.end, syscall.ECONNRESET):
		return Reset
	case errors.Is(in.end, net.ErrClosed):
		return Closed
	}
	return Broken
}

// finish waits for the reading goroutine, whose connection was closed.
func (in *inbox) finish() {
	in.mu.Lock()
	done := in.done
	in.held = false
	in.tell()
	in.mu.Unlock()
	if done != nil {
		<-done
	}
}
