package relay

import (
	"errors"
	"io"
)

// speaker writes to the client of a read-only session: what the backend says,
// as it is, and popgate's refusals at the borders of its answers. Both
// directions write, one at a time; see take.
//
// Once the backend says what can be no answer, because none is owed or because
// there is no +OK or -ERR, the border of the next answer can't be known. Its
// octets go on all the same, as they may be its last words (`-ERR autologout`
// before it closes), and commands go to it; but where a refusal falls due the
// session has to end.
type speaker struct {
	to    io.Writer
	owed  *owed
	voice chan struct{} // full while somebody has it

	// These belong to who has the voice.
	reply  reply
	within bool // an answer is under way
	astray bool // see above
}

// errAstray is a refusal that has no place among what the backend says.
var errAstray = errors.New("the backend's answers can't be told apart")

func newSpeaker(to io.Writer, owed *owed) *speaker {
	return &speaker{to: to, owed: owed, voice: make(chan struct{}, 1)}
}

// take waits for the voice, without which nobody may write to the client. It
// is no lock, as its owner waits for the client.
func (p *speaker) take() { p.voice <- struct{}{} }

// give ends take.
func (p *speaker) give() { <-p.voice }

// Write writes b, which the backend said, and the refusals that are due.
func (p *speaker) Write(b []byte) (n int, err error) {
	for {
		if err := p.refuse(); err != nil {
			return n, err
		}
		if n == len(b) {
			return n, nil
		}
		size, answers := p.follow(b[n:])
		if size > 0 {
			if _, err := p.to.Write(b[n : n+size]); err != nil {
				return n, err
			}
		}
		// Behind the write: until then what is noted is not due.
		p.owed.given(answers)
		if p.astray {
			p.owed.stray()
		}
		n += size
	}
}

// refuse writes the refusals that no answer of the backend's must precede.
func (p *speaker) refuse() error {
	for {
		next, ok := p.owed.at(0)
		if !ok || !next.refusal() {
			return nil
		}
		if p.astray {
			return errAstray
		}
		if _, err := p.to.Write(refusals[next]); err != nil {
			return err
		}
		p.owed.given(1)
	}
}

// follow returns how many octets of b go before the next refusal, and how
// many answers end in them.
func (p *speaker) follow(b []byte) (n, answers int) {
	for n < len(b) && !p.astray {
		if !p.within {
			next, ok := p.owed.at(answers)
			if ok && next.refusal() {
				return n, answers
			}
			p.within, p.astray = ok, !ok
			p.reply.begin(next == manyLines)
			continue
		}
		size, progress := p.reply.take(b[n:])
		n += size
		switch progress {
		case whole:
			p.within = false
			answers++
		case alien:
			p.astray = true
		}
	}
	if p.astray {
		n = len(b)
	}
	return n, answers
}
