package handover

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// What the processes say is a line of JSON each: an offer, its answer, the word that
// lets the new one serve, and behind that what the old one remembers, in parts, to
// the end. Words may be added and are skipped by who doesn't know them, as the two can
// be of different versions.

// offer is what the old process gives away.
type offer struct {
	Sockets []*Socket `json:"sockets"`
	// State is what the program itself hands over. It is told over the pipe, as
	// there may be secrets in it.
	State json.RawMessage `json:"state,omitempty"`
}

// answer is what became of it.
type answer struct {
	Ready bool   `json:"ready"`
	Error string `json:"error,omitempty"`
}

// permission lets the new process serve.
type permission struct {
	Serve bool `json:"serve"`
}

// maxLine bounds a line, in octets: a thousand sockets take a tenth of it.
const maxLine = 1 << 20

var errTooLong = errors.New("a line of the hand-over is too long")

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
			return fmt.Errorf("hand-over: %w", err)
		}
		return nil
	}
}
