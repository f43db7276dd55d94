package demo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"popgate/internal/pop3"
	"popgate/internal/poptest"
)

// exchange serves one connection that sends input and then FIN, and returns
// all that came back.
func exchange(t *testing.T, s *Server, input []byte) []byte {
	t.Helper()
	ln := poptest.NewListener(netip.MustParseAddrPort("10.0.0.5:110"))
	served := make(chan error)
	go func() { served <- s.Serve(ln) }()
	c, err := ln.Dial(netip.MustParseAddrPort("10.0.0.1:4000"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		c.Write(input) // fails if the server ends first, as it may
		c.CloseWrite()
	}()
	output, _ := io.ReadAll(c)
	<-sent
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-served; err != nil {
		t.Fatal(err)
	}
	return output
}

// FuzzSession: whatever a client says, every line of it gets exactly one
// well-formed answer, and mails disappear only if it said QUIT in a whole line.
func FuzzSession(f *testing.F) {
	const login = "USER alice\r\nPASS  se cret \r\n"
	f.Add([]byte(login + "STAT\r\nLIST\r\nUIDL\r\nTOP 1 1\r\nRETR 2\r\nDELE 1\r\nRSET\r\nNOOP\r\nCAPA\r\nQUIT\r\n"))
	f.Add([]byte("AUTH\r\nAUTH PLAIN\r\n*\r\nAUTH PLAIN\r\nAGFsaWNlACBzZSBjcmV0IA==\r\nDELE 1\r\nDELE 2\r\nQUIT"))
	f.Add([]byte("AUTH PLAIN =\r\n\r\n\nPASS\r\nUSER \x00\r\n" + strings.Repeat("x", 300)))
	f.Add([]byte(login + "DELE 1\r\nquit\r\nDELE 2\r\n"))
	f.Fuzz(func(t *testing.T, input []byte) {
		s, err := New(Options{Users: []User{alice()}, AuthPlain: true})
		if err != nil {
			t.Fatal(err)
		}
		output := exchange(t, s, input)
		if err := checkDialogue(input, output); err != nil {
			t.Errorf("%v\ninput %q\noutput %q", err, input, output)
		}
		quit := regexp.MustCompile(`(?i)(^|\n)QUIT\r\n`).Match(input)
		if left := len(s.Maildrop("alice")); left != 2 && !quit {
			t.Errorf("%d mails are left without a QUIT", left)
		}
	})
}

// multi is the commands whose +OK has more lines behind it; LIST and UIDL
// only without an argument, as AUTH.
var multi = regexp.MustCompile(`(?i)^(CAPA|LIST|UIDL|AUTH|RETR .*|TOP .*)$`)

// checkDialogue walks through both directions side by side.
func checkDialogue(input, output []byte) error {
	in := pop3.NewReader(bytes.NewReader(input))
	out := &answers{rest: output}
	out.status() // the greeting
	read, faults := in.ReadCommand, 0
	for over := false; !over && out.err == nil; {
		line, err := read()
		read = in.ReadCommand
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		switch status := out.status(); {
		case status == "+ ":
			read = in.ReadSASL
		case strings.HasPrefix(status, "-ERR"):
			faults++
			over = faults == maxFaults || errors.Is(err, pop3.ErrTooLong)
		case multi.Match(line):
			out.body()
		default:
			over = strings.EqualFold(string(line), "QUIT")
		}
	}
	if out.err == nil && len(out.rest) > 0 {
		return fmt.Errorf("%q answers nothing", out.rest)
	}
	return out.err
}

// answers takes a server's stream apart and keeps the first error.
type answers struct {
	rest []byte
	err  error
}

func (a *answers) line() string {
	line, rest, ok := bytes.Cut(a.rest, []byte("\r\n"))
	if !ok && a.err == nil {
		a.err = fmt.Errorf("%q is no whole line", a.rest)
	}
	a.rest = rest
	return string(line)
}

// status is the next status line, or challenge.
func (a *answers) status() string {
	line := a.line()
	ok := line == "+OK" || line == "-ERR" || line == "+ " || strings.HasPrefix(line, "+OK ") || strings.HasPrefix(line, "-ERR ")
	// RFC 1939 §3: 512 octets with CRLF.
	if (!ok || len(line)+2 > 512 || strings.ContainsAny(line, "\r\n\x00")) && a.err == nil {
		a.err = fmt.Errorf("%q is no status line", line)
	}
	return line
}

// body takes a multi-line response's rest, without the dots that were added.
func (a *answers) body() (text []byte) {
	for a.err == nil {
		line := a.line()
		if line == "." {
			return text
		}
		text = append(text, strings.TrimPrefix(line, ".")...)
		text = append(text, "\r\n"...)
	}
	return nil
}

// FuzzRetr: any mail whatever arrives as it lay in the maildrop, and TOP gives
// its beginning.
func FuzzRetr(f *testing.F) {
	f.Add([]byte("Subject: x\r\n\r\n.\r\n..\r\n.x\r\n\n.\n\r.\rlast"), uint8(3))
	f.Add([]byte(""), uint8(0))
	f.Add([]byte("\r\n"), uint8(1))
	f.Add([]byte("."), uint8(255))
	f.Fuzz(func(t *testing.T, mail []byte, lines uint8) {
		s, err := New(Options{Users: []User{{Name: "a", Password: "b", Mails: [][]byte{mail}}}})
		if err != nil {
			t.Fatal(err)
		}
		want := s.Maildrop("a")[0]
		if bytes.HasSuffix(mail, []byte("\r\n")) && !bytes.Equal(mail, want) || !bytes.HasPrefix(want, mail) {
			t.Fatalf("the maildrop holds %q for %q", want, mail)
		}
		out := &answers{rest: exchange(t, s, fmt.Appendf(nil, "USER a\r\nPASS b\r\nRETR 1\r\nTOP 1 %d\r\nQUIT\r\n", lines))}
		for range 3 {
			out.status()
		}
		size := out.status()
		got := out.body()
		out.status()
		top := out.body()
		bye := out.status()
		if out.err != nil || len(out.rest) > 0 || !strings.HasPrefix(bye, "+OK bye") {
			t.Fatalf("%v, %q", out.err, bye)
		}
		if !bytes.Equal(got, want) || size != fmt.Sprintf("+OK %d octets", len(want)) {
			t.Errorf("%s: got %q, want %q", size, got, want)
		}
		if !bytes.HasPrefix(want, top) {
			t.Errorf("TOP gave %q of %q", top, want)
		}
		if _, body, ok := bytes.Cut(top, []byte("\r\n\r\n")); ok && top[0] != '\r' && bytes.Count(body, []byte("\r\n")) > int(lines) {
			t.Errorf("TOP gave more than %d lines: %q", lines, top)
		}
	})
}
