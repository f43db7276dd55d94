package handover

import (
	"bufio"
	"encoding/json"
	"fmt"
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

// Ready tells the process before that this one can serve, and waits until it
// may: no connection must be accepted before. If the process before has died
// meanwhile, this one may, too.
func (p *Predecessor) Ready() error {
	if say(p.out, answer{Ready: true}) != nil {
		return nil // nobody is there any more
	}
	var word permission
	if err := hear(p.in, &word); err == nil && !word.Serve {
		return fmt.Errorf("hand-over: the process before doesn't let this one serve")
	}
	return nil
}

// Memory shows what the process before remembers to learn, part by part, once this
// one may serve. It ends with that, or where the other one stops telling.
func (p *Predecessor) Memory(learn func(part json.RawMessage)) {
	_ = p.inEnd.SetReadDeadline(time.Now().Add(2 * tellLimit))
	for {
		var part json.RawMessage
		if hear(p.in, &part) != nil {
			return
		}
		learn(part)
	}
}

// Fail tells the process before why this one can't serve, in a line.
func (p *Predecessor) Fail(why string) { _ = say(p.out, answer{Error: why}) }

// Close ends the talk. A Ready that waits returns.
func (p *Predecessor) Close() {
	_ = p.inEnd.Close()
	_ = p.out.Close()
}
