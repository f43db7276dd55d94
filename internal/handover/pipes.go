package handover

import (
	"bufio"
	"errors"
	"os"
	"strings"
	"sync"
	"time"
)

// pipes are what the two processes talk through, and what the new one's standard
// error goes to until it is one of us.
type pipes struct {
	in, out, errors                *os.File
	theirIn, theirOut, theirErrors *os.File
}

func newPipes() (*pipes, error) {
	p := new(pipes)
	var errs [3]error
	p.in, p.theirOut, errs[0] = os.Pipe()
	p.theirIn, p.out, errs[1] = os.Pipe()
	p.errors, p.theirErrors, errs[2] = os.Pipe()
	if err := errors.Join(errs[:]...); err != nil {
		for _, end := range []*os.File{p.in, p.out, p.errors} {
			_ = end.Close() // nil is fine
		}
		p.closeTheirs()
		return nil, err
	}
	return p, nil
}

// closeTheirs closes the new process's ends here.
func (p *pipes) closeTheirs() {
	for _, end := range []*os.File{p.theirIn, p.theirOut, p.theirErrors} {
		_ = end.Close()
	}
}

// lastLine reads what a process writes to standard error, and remembers the last
// line. One of ours writes nothing here: it goes where its elders' goes.
type lastLine struct {
	end  *os.File
	read chan struct{} // closed at the end of it

	mu   sync.Mutex
	line string
}

// maxLast bounds the line, in octets.
const maxLast = 300

func newLastLine(end *os.File) *lastLine {
	l := &lastLine{end: end, read: make(chan struct{})}
	go func() {
		defer close(l.read)
		defer end.Close()
		for r := bufio.NewReaderSize(end, 4<<10); ; {
			part, err := r.ReadSlice('\n')
			l.note(string(part))
			if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
				return
			}
		}
	}()
	return l
}

func (l *lastLine) note(line string) {
	if line = strings.TrimSpace(line); line == "" {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.line = shortened(line, maxLast)
}

// shortened is what another process says, of which so many octets are enough.
func shortened(text string, most int) string {
	return strings.ToValidUTF8(text[:min(len(text), most)], "\uFFFD")
}

func (l *lastLine) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.line
}

// readLimit is for the rest of what a process has written that is gone.
const readLimit = 200 * time.Millisecond

// stop reads no more, though a child of the process may have the pipe still.
func (l *lastLine) stop() {
	_ = l.end.SetReadDeadline(time.Now().Add(readLimit))
	<-l.read
}
