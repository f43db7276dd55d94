package poptest

import (
	"fmt"
	"time"
)

// expectEnd waits for the end of a stream, all of which has been read.
func (p *player) expectEnd(s step, in *inbox, c *peer) error {
	var at time.Time
	var failure error
	done := func() bool {
		var known bool
		if got := in.unread(); len(got) > 0 && !in.rest {
			failure = fmt.Errorf("got %s before the end", excerpt(got))
		} else if at, known, failure = in.matches(s); !known {
			return false
		}
		return true
	}
	if !in.await(p.stage.Patience, done) {
		in.mu.Lock()
		defer in.mu.Unlock()
		return fmt.Errorf("no such end within %v: the stream is %s", p.stage.Patience, in.how())
	}
	if failure != nil {
		return failure
	}
	return s.inTime(at, c)
}

// matches compares the end of the stream with an event. Until it is known
// enough of the end, known is false. The lock is held.
func (in *inbox) matches(s step) (at time.Time, known bool, err error) {
	other := fmt.Errorf("the stream is %s", in.how())
	switch s.event {
	case "alert", "close_notify":
		// These come before TCP's end, which may never come.
		if in.note == nil {
			return at, in.end != nil, other
		}
		if s.event == "alert" && isAlert(in.note, s.args[0]) || s.event == "close_notify" && in.note == errCloseNotify {
			other = nil
		}
		return in.noteAt, true, other
	}
	tcp := in.kind()
	if tcp == Open {
		return at, false, nil
	}
	ok := false
	switch s.event {
	case "closed":
		ok = tcp == EOF || tcp == Reset
	case "eof":
		ok = in.note == errCloseNotify && tcp != Broken || in.note == nil && tcp == EOF && !in.secure
	case "fin":
		ok = in.note == nil && tcp == EOF
	case "rst":
		ok = in.note == nil && tcp == Reset
	}
	if ok {
		other = nil
	}
	return in.endAt, true, other
}

// how describes the state of the stream. The lock is held.
func (in *inbox) how() string {
	how := in.kind().String()
	if in.note != nil {
		how += fmt.Sprintf(" after %v", in.note)
	} else if in.secure && in.end != nil {
		how += " without close_notify"
	}
	if in.kind() == Broken {
		how += fmt.Sprintf(" (%v)", in.end)
	}
	return how
}
