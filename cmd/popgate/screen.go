package main

import (
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// What terminals are told (ECMA-48, and xterm's private modes 1049: the alternate
// screen, 25: the cursor, 7: wrapping, as characters may be wider than they are
// taken for).
const (
	takeScreen = "\x1b[?1049h\x1b[?25l\x1b[?7l"
	giveScreen = "\x1b[?7h\x1b[?25h\x1b[?1049l"
	goHome     = "\x1b[H"
	clearLine  = "\x1b[2K"
	clearBelow = "\x1b[J"
)

// keyInterrupt is Ctrl-C, which makes no signal while the screen is taken.
const keyInterrupt = 0x03

// screen is a terminal while a program has it to itself.
type screen struct {
	out     *os.File
	keys    chan byte      // closed when there will be no more; nil: there are none
	resized chan os.Signal // the window has another size

	in      *os.File // nil: no keys
	before  *term.State
	reading sync.WaitGroup
}

// openScreen takes the terminal that out is; close gives it back.
func openScreen(out *os.File) (*screen, error) {
	s := &screen{out: out, resized: make(chan os.Signal, 1)}
	// Keys come from the controlling terminal, wherever standard input comes from.
	// Where there is none, signals end the program.
	if in, err := os.Open("/dev/tty"); err == nil {
		s.in = in
		if err := s.raw(); err != nil {
			return nil, errors.Join(err, in.Close())
		}
		s.keys = make(chan byte)
		s.reading.Go(s.read)
	}
	notifyResize(s.resized)
	if _, err := io.WriteString(out, takeScreen); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// raw makes keys come one by one. Deliberate: not by in.Fd(), which would end
// deadlines.
func (s *screen) raw() error {
	return s.control(func(fd int) (err error) { s.before, err = term.MakeRaw(fd); return err })
}

func (s *screen) control(do func(fd int) error) error {
	conn, err := s.in.SyscallConn()
	if err != nil {
		return err
	}
	failed := conn.Control(func(fd uintptr) { err = do(int(fd)) })
	return errors.Join(failed, err)
}

// read reads keys, until close.
func (s *screen) read() {
	defer close(s.keys)
	key := make([]byte, 1)
	for {
		if _, err := s.in.Read(key); err != nil {
			return
		}
		select {
		case s.keys <- key[0]:
		case <-time.After(keyTime):
		}
	}
}

// keyTime is how long a key that nobody takes is kept.
const keyTime = time.Second

// draw shows lines from the top, as many as the window has room for.
func (s *screen) draw(lines []string) error {
	_, height := terminalSize(s.out)
	var text strings.Builder
	text.WriteString(goHome)
	for i, line := range lines {
		if i == height && height > 0 {
			break
		}
		if i > 0 {
			text.WriteString("\r\n")
		}
		text.WriteString(clearLine + line)
	}
	if len(lines) < height {
		text.WriteString("\r\n" + clearBelow)
	}
	_, err := io.WriteString(s.out, text.String())
	return err
}

// close gives the terminal back as it was.
func (s *screen) close() error {
	stopResize(s.resized)
	_, err := io.WriteString(s.out, giveScreen)
	if s.in == nil {
		return err
	}
	err = errors.Join(err, s.control(func(fd int) error { return term.Restore(fd, s.before) }))
	// Deliberate: where terminals know no deadlines (macOS), the reader is left
	// behind; the program ends now.
	if s.in.SetReadDeadline(time.Now()) == nil {
		s.reading.Wait()
		err = errors.Join(err, s.in.Close())
	}
	return err
}
