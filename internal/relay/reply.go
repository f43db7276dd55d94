package relay

import "bytes"

// reply finds the end of one answer of the backend's, in whatever pieces it
// comes (RFC 1939 §3). It looks and changes nothing. The zero value is ready
// for a single line; see begin.
//
// An answer of many lines ends with CRLF, a dot and CRLF, and not with a dot
// between bare LFs, which may be a piece of mail. Deliberate: if the first or the
// second line of an answer ends with a bare LF, then so do lines in this answer,
// as some old servers send mail as it lies in their files.
type reply struct {
	many   bool // lines follow +OK
	place  place
	head   [5]byte // the beginning of the status line
	seen   int     // head[:seen] has been seen
	second bool    // inside the line behind the status line
	bare   bool    // a bare LF ends lines
}

// place is where in an answer the next octet stands.
type place byte

const (
	inStatus   place = iota // inside the status line
	inStatusCR              // the same, behind a CR
	atStart                 // at the start of a further line
	atDot                   // behind a dot at its start
	atDotCR                 // behind such a dot and CR
	inLine                  // inside it
	inLineCR                // the same, behind a CR
)

// progress is how far an answer has come.
type progress byte

const (
	going progress = iota // it isn't whole yet
	whole
	alien // it is none: no status line
)

// begin makes ready for the next answer.
func (r *reply) begin(many bool) { *r = reply{many: many} }

// take looks at the next octets, and returns how many of them are the
// answer's.
func (r *reply) take(b []byte) (n int, p progress) {
	if r.place <= inStatusCR {
		n, p = r.status(b)
		if p != going || r.place <= inStatusCR {
			return n, p
		}
	}
	for n < len(b) {
		if r.place == inLine {
			n += r.skip(b[n:])
		}
		n++
		if r.step(b[n-1]) {
			return n, whole
		}
	}
	return n, going
}

// status takes the status line.
func (r *reply) status(b []byte) (n int, p progress) {
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		end = len(b)
	}
	r.seen += copy(r.head[r.seen:], b[:end])
	if end > 0 {
		r.place = inStatus
		if b[end-1] == '\r' {
			r.place = inStatusCR
		}
	}
	if end == len(b) {
		return end, going
	}
	r.bare = r.place != inStatusCR
	ok, err := indicators(r.head[:r.seen])
	switch {
	case !ok && !err:
		return end + 1, alien
	case err || !r.many:
		return end + 1, whole
	}
	r.place, r.second = atStart, true
	return end + 1, going
}

// indicators reports whether a status line begins with +OK or with -ERR. As at
// the login, these must be upper case and not run on into a word.
func indicators(head []byte) (ok, err bool) {
	rest, ok := bytes.CutPrefix(head, []byte("+OK"))
	if !ok {
		rest, err = bytes.CutPrefix(head, []byte("-ERR"))
	}
	word := len(rest) > 0 && isAlnum(rest[0])
	return ok && !word, err && !word
}

// skip returns how many octets of b, which stand inside a line, can't bring
// the end any nearer; it leaves one at least.
func (r *reply) skip(b []byte) int {
	mark := []byte("\n.")
	if r.second {
		mark = mark[:1]
	}
	n := bytes.Index(b, mark)
	if n < 0 {
		n = len(b) - 1 // which may be a CR or LF
	}
	if n > 0 && b[n-1] == '\r' {
		r.place = inLineCR
	}
	return n
}

// step takes one octet behind the status line, and reports whether it is the
// last one.
func (r *reply) step(c byte) (last bool) {
	switch {
	case c == '\n':
		return r.newline()
	case c == '\r' && r.place == atDot:
		r.place = atDotCR
	case c == '\r':
		r.place = inLineCR
	case c == '.' && r.place == atStart:
		r.place = atDot
	default:
		r.place = inLine
	}
	return false
}

// newline takes a LF.
func (r *reply) newline() (last bool) {
	crlf := r.place == inLineCR || r.place == atDotCR
	r.bare = r.bare || r.second && !crlf
	r.second = false
	switch {
	case r.place == atDotCR, r.place == atDot && r.bare:
		return true
	case crlf || r.bare:
		r.place = atStart
	default:
		r.place = inLine
	}
	return false
}

func isAlnum(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}
