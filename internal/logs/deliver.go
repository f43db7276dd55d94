package logs

// run writes what is queued until the writer is closed and nothing is left.
func (w *Writer) run() {
	defer close(w.done)
	var q queue
	for w.take(&q) {
		w.deliver(&q)
	}
}

// take waits for lines and swaps them for q, whose lines are written. It
// reports false at the end.
func (w *Writer) take(q *queue) bool {
	q.reset()
	for {
		w.mu.Lock()
		over := w.abandoned || w.closed && w.filling.empty()
		found := !over && !w.filling.empty()
		if found {
			*q, w.filling = w.filling, *q
		}
		w.mu.Unlock()
		if found || over {
			return found
		}
		<-w.wake
	}
}

// deliver writes a queue. A line that the target doesn't take whole is lost;
// the next one is tried all the same.
func (w *Writer) deliver(q *queue) {
	begin := 0
	for i := 0; i < len(q.lines); {
		w.missing += q.lines[i].missed
		n := w.deliverGroup(q.lines[i:i+q.group(i, begin)], begin, q.octets)
		end := q.lines[i+n-1].end
		if !w.forget(n, end-begin) {
			return
		}
		i, begin = i+n, end
	}
	w.missing += q.missed
	if w.missing > 0 {
		w.put(nil)
	}
}

// deliverGroup writes lines at once, of which the first begins at begin, and
// returns how many are done with: to the first one that is lost, or all.
func (w *Writer) deliverGroup(lines []line, begin int, octets []byte) int {
	taken := begin + w.put(octets[begin:lines[len(lines)-1].end])
	for i, l := range lines {
		if l.end > taken {
			w.lost()
			return i + 1
		}
	}
	return len(lines)
}

// put writes lines, and before them a notice if some are missing here. It
// returns how many octets of the lines the target took.
func (w *Writer) put(lines []byte) int {
	out, head := lines, 0
	if w.missing > 0 {
		w.scratch = w.scratch[:0]
		if w.torn {
			w.scratch = append(w.scratch, '\n')
		}
		w.scratch = append(w.scratch, w.opts.Notice(w.missing)...)
		head = len(w.scratch)
		w.scratch = append(w.scratch, lines...)
		out = w.scratch
	}
	n, _ := w.target.Write(out) // an error is told by n already
	n = min(max(n, 0), len(out))
	if n > 0 {
		w.torn = out[n-1] != '\n'
	}
	if n >= head {
		w.missing = 0
	}
	return max(n-head, 0)
}

// lost counts a line that the target didn't take.
func (w *Writer) lost() {
	w.missing++
	w.mu.Lock()
	w.dropped++
	w.mu.Unlock()
	w.tell(1)
}

// forget gives back the room of lines that are done with. It reports whether to
// go on.
func (w *Writer) forget(lines, octets int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count -= lines
	w.used -= octets + lines*perLine
	return !w.abandoned
}
