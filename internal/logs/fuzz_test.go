package logs

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"testing"
)

// FuzzWriter: the target gets whole lines that were written, in their order;
// before each one the notices have told exactly what is missing; and what was
// written is what was delivered and what was dropped. A part of a line is only
// there if the target has taken no more, and ends before anything else begins.
func FuzzWriter(f *testing.F) {
	f.Add([]byte("abc"), []byte{})
	f.Add([]byte("a\xffb\xff\xff\xfec"), []byte{0, 1, 0, 2})
	f.Add(bytes.Repeat([]byte("xyz\xf0"), 50), []byte{0, 6, 0, 0, 14, 0, 1, 1, 0, 3, 22})
	f.Add(bytes.Repeat([]byte{0xef}, 300), bytes.Repeat([]byte{0, 0, 0, 10}, 40))
	f.Fuzz(func(t *testing.T, ops, script []byte) {
		if len(ops) > 2000 {
			return
		}
		to := &checked{t: t, script: script, gate: make(chan struct{})}
		w := NewWriter(to, WriterOptions{Limit: 1000, Notice: notice})
		for _, op := range ops {
			if op >= 0xf0 {
				select {
				case to.gate <- struct{}{}:
				default:
				}
				continue
			}
			line := fmt.Appendf(nil, "%d %s.\n", to.write(op), bytes.Repeat([]byte("x"), int(op)))
			if n, err := w.Write(line); n != len(line) || err != nil {
				t.Errorf("Write: %d, %v", n, err)
			}
		}
		close(to.gate)
		closeWriter(t, w)
		if dropped := int(w.Dropped()); to.delivered+dropped != len(to.written) || to.told > dropped {
			t.Errorf("%d written, %d delivered, %d dropped, %d of them told", len(to.written), to.delivered, dropped, to.told)
		}
	})
}

// checked is a target that knows what it may get.
type checked struct {
	t      *testing.T
	gate   chan struct{}
	script []byte // what becomes of each write; all is taken behind its end

	mu              sync.Mutex
	written         []byte // the length of each line's filling
	calls           int
	torn            bool
	delivered, told int
}

// write remembers a line and returns its number.
func (c *checked) write(length byte) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.written = append(c.written, length)
	return len(c.written) - 1
}

func (c *checked) Write(p []byte) (int, error) {
	<-c.gate
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err := len(p), error(nil)
	if c.calls < len(c.script) {
		switch how := int(c.script[c.calls]); how % 4 {
		case 1:
			n, err = 0, io.ErrClosedPipe
		case 2:
			n = min(how/4, len(p))
		case 3:
			err = io.ErrShortWrite // all is taken in spite of it
		}
	}
	c.calls++
	c.read(p[:n])
	return n, err
}

// read checks what the target has taken of a write.
func (c *checked) read(p []byte) {
	if len(p) == 0 {
		return
	}
	if c.torn && p[0] != '\n' {
		c.t.Errorf("behind a part of a line comes %q", p)
	}
	if c.torn {
		p = p[1:]
	}
	for line := range bytes.Lines(p) {
		c.torn = line[len(line)-1] != '\n'
		if !c.torn {
			c.line(line)
		}
	}
	if len(p) == 0 {
		c.torn = false
	}
}

// line checks one whole line.
func (c *checked) line(line []byte) {
	var n int
	if _, err := fmt.Sscanf(string(line), "(%d dropped)", &n); err == nil {
		c.told += n
		return
	}
	if _, err := fmt.Sscanf(string(line), "%d ", &n); err != nil || n >= len(c.written) ||
		string(line) != fmt.Sprintf("%d %s.\n", n, bytes.Repeat([]byte("x"), int(c.written[n]))) {
		c.t.Errorf("nobody wrote %q", line)
		return
	}
	if c.delivered+c.told != n {
		c.t.Errorf("before line %d there were %d, and %d were told to be missing", n, c.delivered, c.told)
	}
	c.delivered++
}
