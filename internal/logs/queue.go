package logs

const (
	// perLine is what a line costs beside its octets, so that many short ones are
	// bounded, too.
	perLine = 16

	// keep is the largest queue, in octets, that is used again. A larger one comes
	// of a jam and is left to the collector.
	keep = 64 << 10

	// most is how many octets of several lines go out in one write. Deliberate: it
	// is PIPE_BUF of Linux, which a pipe takes whole or not at all, so that the end
	// of a program whose log is blocked leaves no part of a line.
	most = 4096
)

// queue is a row of lines.
type queue struct {
	octets []byte
	lines  []line
	missed int // lines dropped behind the last one
}

// line is one event of the log; it may have line feeds inside.
type line struct {
	end    int // in the queue's octets
	missed int // lines dropped before this one
}

// lineCost is what p takes of the limit.
func lineCost(p []byte) int {
	if p[len(p)-1] != '\n' {
		return len(p) + 1 + perLine
	}
	return len(p) + perLine
}

// add appends a line, with a line feed if it lacks one: nothing may run into
// the next line.
func (q *queue) add(p []byte) {
	q.octets = append(q.octets, p...)
	if p[len(p)-1] != '\n' {
		q.octets = append(q.octets, '\n')
	}
	q.lines = append(q.lines, line{end: len(q.octets), missed: q.missed})
	q.missed = 0
}

func (q *queue) empty() bool { return len(q.lines) == 0 && q.missed == 0 }

// reset empties a queue whose lines are written.
func (q *queue) reset() {
	if cap(q.octets)+perLine*cap(q.lines) > keep {
		*q = queue{}
		return
	}
	*q = queue{octets: q.octets[:0], lines: q.lines[:0]}
}

// group returns how many lines from the first one on, which begins at begin, go
// out in one write. Nothing is missing between them.
func (q *queue) group(first, begin int) int {
	n := 1
	for _, l := range q.lines[first+1:] {
		if l.missed > 0 || l.end-begin > most {
			break
		}
		n++
	}
	return n
}
