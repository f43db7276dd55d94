package handover

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// What the processes say is a line of JSON each. The old one makes an offer, the new
// one answers that it is ready, or why it can't be; orders tell it to learn what the old
// one remembers, in parts, and to serve; it answers that it does, and the old one hangs
// up. Words may be added and are skipped by who doesn't know them, as the two can be of
// different versions.

// offer is what the old process gives away.
type offer struct {
	Sockets []*Socket `json:"sockets"`
	// State is what the program itself hands over. It is told over the pipe, as
	// there may be secrets in it.
	State json.RawMessage `json:"state,omitempty"`
}

// answer is how far the new process has come.
type answer struct {
	Ready   bool   `json:"ready,omitempty"`
	Serving bool   `json:"serving,omitempty"`
	Error   string `json:"error,omitempty"`
}

// order is what the new process is to do. A part to learn is any value where it is
// said, and JSON where it is heard.
type order[Part any] struct {
	Learn Part `json:"learn,omitempty"`
	Serve bool `json:"serve,omitempty"`
}

// maxLine bounds a line, in octets: a thousand sockets take a tenth of it.
const maxLine = 1 << 20

// errNoise is what no popgate says.
var (
	errNoise   = errors.New("hand-over: that isn't what a popgate says")
	errTooLong = fmt.Errorf("%w: a line is too long", errNoise)
)

// say writes v as a line.
func say(w io.Writer, v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = w.Write(append(line, '\n'))
	return err
}

// hear reads a line into v. io.EOF: the other process has ended, or hung up.
func hear(r *bufio.Reader, v any) error {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > maxLine:
			return errTooLong
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil:
			return err
		}
		if err := json.Unmarshal(line, v); err != nil {
			return fmt.Errorf("%w: %w", errNoise, err)
		}
		return nil
	}
}
