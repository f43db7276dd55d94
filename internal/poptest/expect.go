package poptest

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

// expect does a step that receives. Its times count from the last step of c.
func (p *player) expect(s step, in *inbox, c *peer) error {
	switch s.event {
	case "":
		for range s.times {
			if err := p.expectLine(s, in, c); err != nil {
				return err
			}
		}
		return nil
	case "nothing":
		return expectNothing(s, in)
	case "pause", "resume":
		in.hold(s.event == "pause")
		return nil
	case "rest":
		in.mu.Lock()
		defer in.mu.Unlock()
		in.rest = true
		return nil
	}
	return p.expectEnd(s, in, c)
}

// expectLine waits for a step's bytes.
func (p *player) expectLine(s step, in *inbox, c *peer) error {
	var at time.Time
	var failure error
	whole := func() bool {
		got := in.unread()
		n := len(s.data)
		if s.open {
			n = bytes.IndexByte(got, '\n') + 1
		}
		switch {
		case n > 0 && len(got) >= n && bytes.HasPrefix(got, s.data):
			at = in.use(n)
			return true
		case s.open && n > 0, !s.open && !bytes.HasPrefix(s.data, got[:min(len(got), len(s.data))]):
			failure = fmt.Errorf("got %s instead", excerpt(got))
		case in.end != nil || in.note != nil:
			failure = fmt.Errorf("got %s and then the end (%s)", excerpt(got), in.how())
		}
		return failure != nil
	}
	if !in.await(p.stage.Patience, whole) {
		in.mu.Lock()
		defer in.mu.Unlock()
		return fmt.Errorf("got only %s within %v", excerpt(in.unread()), p.stage.Patience)
	}
	if failure != nil {
		return failure
	}
	return s.inTime(at, c)
}

// inTime checks when something came.
func (s step) inTime(at time.Time, c *peer) error {
	if s.timing.op == "" {
		return nil
	}
	if c == nil {
		return errors.New("there is no client yet that the time could count from")
	}
	if d := at.Sub(c.last); !s.timing.holds(d) {
		return fmt.Errorf("it came after %v", d)
	}
	return nil
}

// expectNothing lets a time go by in which nothing may come. What comes when
// it is just over is the next step's.
func expectNothing(s step, in *inbox) error {
	until := time.Now().Add(s.span)
	came := false
	in.await(s.span, func() bool {
		at := in.firstUnread()
		came = !at.IsZero() && at.Before(until)
		return came
	})
	if !came {
		return nil
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	return fmt.Errorf("got %s, stream %s", excerpt(in.unread()), in.how())
}
