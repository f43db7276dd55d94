package relay

import (
	"bytes"
	"fmt"
	"sync"
	"sync/atomic"
)

// Observer is told what a relay carries: each command of the client, with
// nothing of it but its keyword and numbers, and the status line of each answer,
// but never an octet of what follows it. It is called by one goroutine at a time,
// must not wait, and returns false when it wants to hear no more.
//
// Nor is a word told of the answer to a command of which not all is; of an answer
// with mail in it more than the size; and, where mail was asked for with other
// commands at once, of their answers. A text of
// [ByBackend] is the backend's, at most 200 octets without its line
// ending, and may hold any octets but LF; the others are printable.
type Observer func(by Origin, text string) (more bool)

// Origin says whose words an [Observer] is told.
type Origin string

// The origins.
const (
	ByClient  Origin = "client"
	ByRelay   Origin = "popgate" // a refusal of a read-only session
	ByBackend Origin = "backend"
	ByNobody  Origin = "note" // about the session
)

// observer follows both directions of a session and tells of them. It looks at
// what the relay carries, before the relay passes it on, and changes nothing.
//
// What it must never tell is a piece of mail. So it knows which answer belongs
// to which command, and as soon as it can't be sure of that any more, it tells
// nothing for the rest of the session.
type observer struct {
	tell     Observer
	readOnly bool
	stopped  atomic.Bool

	// The two directions look one after the other. These are theirs.
	mu          sync.Mutex
	line        []byte // the client's, as far as it has come
	owed        *owed
	unknown     bool           // the last one is for a command that popgate doesn't know
	hushed      [gateSize]hush // of each answer owed
	asks, given uint           // commands, and answers, so far
	mails       int            // how many of those owed have mail in them
	// blurred is that mail was asked for with other commands at once. Where a
	// backend doesn't double the dots at the start of lines, a line of that mail
	// may pass for the answer to another command, until none is owed.
	blurred bool

	reply  reply
	within bool // an answer is under way, which belongs to verdict
	asked  verdict
	status []byte // its status line, as far as it has come
	body   bool   // its status line is over, and lines follow
	octets int    // of those lines
	lines  int
}

const (
	// maxStatus is the longest status line that is followed, with its line
	// ending (RFC 1939 §3).
	maxStatus = 512
	// shownStatus is how much of it is told.
	shownStatus = 200
)

// newObserver returns nil without somebody to tell.
func newObserver(tell Observer, readOnly bool) *observer {
	if tell == nil {
		return nil
	}
	return &observer{tell: tell, readOnly: readOnly, owed: newOwed()}
}

// client looks at what the client has said. Call it before the backend can hear
// of it: an answer must find its command.
func (o *observer) client(b []byte) {
	if o != nil && !o.stopped.Load() {
		o.look(b, o.takeLine)
	}
}

// backend looks at what the backend has said.
func (o *observer) backend(b []byte) {
	if o != nil && !o.stopped.Load() {
		o.look(b, o.takeAnswer)
	}
}

// look gives b to take, which looks at some of it and returns how much. Whatever
// goes wrong here ends the observing and not the session.
func (o *observer) look(b []byte, take func([]byte) int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer func() {
		if cause := recover(); cause != nil {
			defer func() { _ = recover() }() // it may be tell that panics
			o.stop("a bug of popgate")
		}
	}()
	for len(b) > 0 && !o.stopped.Load() {
		b = b[take(b):]
	}
}

// says tells what somebody says.
func (o *observer) says(by Origin, text string) {
	if !o.stopped.Load() && !o.tell(by, text) {
		o.stopped.Store(true)
	}
}

// stop tells why, and nothing any more.
func (o *observer) stop(why string) {
	if !o.stopped.Swap(true) {
		_ = o.tell(ByNobody, "can't follow any more: "+why)
	}
}

// takeLine takes a command line, or what there is of it.
func (o *observer) takeLine(b []byte) (n int) {
	n = bytes.IndexByte(b, '\n') + 1
	whole := n > 0
	if !whole {
		n = len(b)
	}
	if len(o.line)+n > gateSize {
		o.stop("a command line is too long")
		return n
	}
	o.line = append(o.line, b[:n]...)
	if whole {
		o.command(o.line)
		o.line = o.line[:0]
	}
	return n
}

// command notes what a line is owed, and tells of it.
func (o *observer) command(line []byte) {
	verdict := o.judge(line)
	_, full := o.owed.at(gateSize - 1)
	switch {
	case full:
		o.stop("too many commands at once")
		return
	case o.unknown:
		// It may not be a command, but what the unknown one sends.
		o.stop("more follows a command that popgate doesn't know")
		return
	case !o.readOnly && verdict.refusal():
		o.stop("a command line doesn't end in CRLF, or has control characters in it")
		return
	}
	text, known := Masked(line)
	o.blur(asksMail(text))
	o.owed.note(verdict)
	o.unknown = verdict == unknownLines
	o.hushed[o.asks%gateSize] = hushOf(text, known)
	o.asks++
	o.says(ByClient, text)
	o.refuse()
}

// blur notes whether mail is asked for at the same time as something else. Call it
// before a command is listed.
func (o *observer) blur(mail bool) {
	_, busy := o.owed.at(0)
	if !busy {
		o.mails = 0
	}
	o.blurred = busy && (o.blurred || mail || o.mails > 0)
	if mail {
		o.mails++
	}
}

// judge says which answer a line gets. A session that isn't read-only has DELE,
// and a backend that may know more commands than popgate.
func (o *observer) judge(line []byte) verdict {
	verdict := judge(line)
	switch {
	case o.readOnly:
		return verdict
	case verdict == noDelete:
		return oneLine
	case verdict == noCommand:
		return unknownLines
	}
	return verdict
}

// refuse tells the refusals that are popgate's to say now.
func (o *observer) refuse() {
	for !o.within {
		next, ok := o.owed.at(0)
		if !ok || !next.refusal() {
			return
		}
		o.owed.given(1)
		o.given++
		o.says(ByRelay, string(bytes.TrimSuffix(refusals[next], []byte("\r\n"))))
	}
}

// takeAnswer takes a piece of what the backend says: of a status line, or of the
// lines behind it.
func (o *observer) takeAnswer(b []byte) (n int) {
	if !o.within {
		verdict, ok := o.owed.at(0)
		if !ok {
			o.stop("the backend says what it wasn't asked")
			return len(b)
		}
		o.asked, o.within, o.body, o.status = verdict, true, false, o.status[:0]
		o.octets, o.lines = 0, 0
		o.reply.begin(verdict == manyLines)
	}
	if !o.body {
		return o.takeStatus(b)
	}
	n, progress := o.reply.take(b)
	o.octets += n
	o.lines += bytes.Count(b[:n], []byte{'\n'})
	switch {
	case o.reply.bare:
		// Where lines end so, a dot of the mail's may pass for its end.
		o.stop("lines of an answer don't end in CRLF")
	case progress == whole:
		o.says(ByNobody, fmt.Sprintf("%d octets, %d lines", o.octets-len(".\r\n"), o.lines-1))
		o.answered()
	}
	return n
}

// takeStatus takes a piece of a status line, and not more.
func (o *observer) takeStatus(b []byte) (n int) {
	if end := bytes.IndexByte(b, '\n'); end >= 0 {
		b = b[:end+1]
	}
	if len(o.status)+len(b) > maxStatus {
		o.stop("the backend's line is too long")
		return len(b)
	}
	o.status = append(o.status, b...)
	n, progress := o.reply.take(b)
	if progress == alien {
		o.stop("the backend's line is no answer")
		return n
	}
	if o.status[len(o.status)-1] != '\n' {
		return n
	}
	hush := o.hushed[o.given%gateSize]
	if o.blurred {
		hush = tellKind
	}
	text := hush.of(bytes.TrimRight(o.status, "\r\n"))
	o.says(ByBackend, string(text[:min(len(text), shownStatus)]))
	switch {
	case o.asked == unknownLines && o.status[0] == '+':
		o.stop("the answer to a command that popgate doesn't know")
	case progress == whole:
		o.answered()
	default:
		o.body = true
	}
	return n
}

// answered takes an answer off the list.
func (o *observer) answered() {
	o.within = false
	o.given++
	o.unknown = o.unknown && o.asked != unknownLines
	o.owed.given(1)
	o.refuse()
}
