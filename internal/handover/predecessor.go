package handover

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Predecessor is the popgate whose place this process is to take.
type Predecessor struct {
	in    *bufio.Reader
	inEnd *os.File
	out   *os.File
	state json.RawMessage
}

// State decodes what the process before has handed over beside sockets.
func (p *Predecessor) State(into any) error {
	if len(p.state) == 0 {
		return nil
	}
	if err := json.Unmarshal(p.state, into); err != nil {
		return fmt.Errorf("hand-over: %w", err)
	}
	return nil
}

// Ready tells the process before that this one can serve, and waits until it may: no
// connection must be accepted before. What that one remembers is shown to learn
// meanwhile, part by part. If that one has died, this one may serve with what it has.
func (p *Predecessor) Ready(learn func(part json.RawMessage)) error {
	if say(p.out, answer{Ready: true}) != nil {
		return nil // nobody is there any more
	}
	for {
		var word order[json.RawMessage]
		switch err := hear(p.in, &word); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if word.Learn != nil {
			learn(word.Learn)
		}
		if word.Serve {
			return nil
		}
	}
}

// farewellLimit is how long the process before may take to hang up on one that serves.
const farewellLimit = 5 * time.Second

// Serving tells the process before that this one serves, and waits until that one has
// said so to whom it may concern: behind it this one speaks for the service.
func (p *Predecessor) Serving() {
	_ = p.inEnd.SetReadDeadline(time.Now().Add(farewellLimit))
	if say(p.out, answer{Serving: true}) == nil {
		_, _ = io.Copy(io.Discard, p.in)
	}
}

// Fail tells the process before why this one can't serve, in a line.
func (p *Predecessor) Fail(why string) { _ = say(p.out, answer{Error: why}) }

// Close ends the talk. A Ready that waits returns.
func (p *Predecessor) Close() {
	_ = p.inEnd.Close()
	_ = p.out.Close()
}
