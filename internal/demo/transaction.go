package demo

import (
	"bytes"
	"fmt"
	"strings"
)

// left counts the messages that aren't marked as deleted, and their octets.
func (s *session) left() (count, octets int) {
	for _, m := range s.messages {
		if !s.deleted[m] {
			count++
			octets += len(m.text)
		}
	}
	return count, octets
}

// message finds the message that an argument names. RFC 1939 §5: one that is
// marked as deleted can't be named any more.
func (s *session) message(arg string) (n int, m *message, no refusal) {
	n, ok := number(arg)
	if !ok {
		return 0, nil, wrongArgument
	}
	if n < 1 || n > len(s.messages) || s.deleted[s.messages[n-1]] {
		return 0, nil, noSuchMessage
	}
	return n, s.messages[n-1], ""
}

func (s *session) stat(request) refusal {
	count, octets := s.left()
	s.ok("%d %d", count, octets)
	return ""
}

func (s *session) list(r request) refusal {
	return s.listing(r, func(m *message) any { return len(m.text) })
}

func (s *session) uidl(r request) refusal {
	return s.listing(r, func(m *message) any { return m.id })
}

// listing answers LIST and UIDL: for one message in the status line, for all
// in a multi-line response. Messages keep their numbers all session long.
func (s *session) listing(r request, what func(*message) any) refusal {
	if r.HasArg {
		n, m, no := s.message(string(r.Arg))
		if no == "" {
			s.ok("%d %v", n, what(m))
		}
		return no
	}
	count, octets := s.left()
	s.ok("%d messages (%d octets)", count, octets)
	var lines bytes.Buffer
	for i, m := range s.messages {
		if !s.deleted[m] {
			fmt.Fprintf(&lines, "%d %v\r\n", i+1, what(m))
		}
	}
	s.multiline(lines.Bytes())
	return ""
}

func (s *session) retr(r request) refusal {
	_, m, no := s.message(string(r.Arg))
	if no != "" {
		return no
	}
	s.ok("%d octets", len(m.text))
	s.multiline(m.text)
	return ""
}

// top sends the header, the empty line and the first lines of the body.
func (s *session) top(r request) refusal {
	which, count, _ := strings.Cut(string(r.Arg), " ")
	lines, ok := number(count)
	if !ok {
		return wrongArgument
	}
	_, m, no := s.message(which)
	if no != "" {
		return no
	}
	s.ok("top of message follows")
	s.multiline(topOf(m.text, lines))
	return ""
}

// topOf is the start of a mail up to the n-th line of its body.
func topOf(text []byte, n int) []byte {
	header := true
	rest := text
	for len(rest) > 0 && (header || n > 0) {
		line := firstLine(rest)
		if !header {
			n--
		}
		header = header && string(line) != "\r\n"
		rest = rest[len(line):]
	}
	return text[:len(text)-len(rest)]
}

func (s *session) dele(r request) refusal {
	_, m, no := s.message(string(r.Arg))
	if no != "" {
		return no
	}
	s.deleted[m] = true
	s.ok("marked as deleted")
	return ""
}

func (s *session) noop(request) refusal {
	s.ok("nothing done")
	return ""
}

func (s *session) rset(request) refusal {
	clear(s.deleted)
	count, octets := s.left()
	s.ok("%d messages (%d octets)", count, octets)
	return ""
}

// multiline writes text, which is empty or ends in CRLF, as a multi-line
// response's body. RFC 1939 §3: a line that starts with a dot gets another
// dot before it, and a dot alone ends the response. A line is what CRLF ends:
// a dot behind a bare LF stays as it is.
func (s *session) multiline(text []byte) {
	for len(text) > 0 {
		line := firstLine(text)
		if line[0] == '.' {
			s.send(".")
		}
		_, _ = s.out.Write(line)
		text = text[len(line):]
	}
	s.send(".\r\n")
}

// firstLine is text up to its first CRLF, or all of it.
func firstLine(text []byte) []byte {
	if i := bytes.Index(text, []byte("\r\n")); i >= 0 {
		return text[:i+2]
	}
	return text
}
