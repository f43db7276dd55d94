package pop3_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"popgate/internal/pop3"
)

// BenchmarkReadCommand reads and parses one command of a login.
func BenchmarkReadCommand(b *testing.B) {
	segment := "CAPA\r\nUSER joe.smith@example.com\r\nPASS correct horse battery staple\r\n"
	left := ""
	r := pop3.NewReader(readerFunc(func(p []byte) (int, error) {
		if left == "" {
			left = segment
		}
		n := copy(p, left)
		left = left[n:]
		return n, nil
	}))
	b.ReportAllocs()
	for b.Loop() {
		line, err := r.ReadCommand()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := pop3.ParseCommand(line); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLogin is what a whole login costs here: a Reader, its lines, and
// the requests to the backend.
func BenchmarkLogin(b *testing.B) {
	const segment = "CAPA\r\nUSER joe.smith@example.com\r\nPASS correct horse battery staple\r\n"
	b.ReportAllocs()
	for b.Loop() {
		r := pop3.NewReader(strings.NewReader(segment))
		ask := func() []byte {
			line, err := r.ReadCommand()
			if err != nil {
				b.Fatal(err)
			}
			c, err := pop3.ParseCommand(line)
			if err != nil {
				b.Fatal(err)
			}
			return c.Arg
		}
		ask()
		name := bytes.Clone(ask()) // the next line overwrites it
		creds, err := pop3.NewCredentials("USER", name, ask())
		if err != nil {
			b.Fatal(err)
		}
		if err := pop3.Send(io.Discard, pop3.User(creds.Name), pop3.Pass(creds.Password)); err != nil {
			b.Fatal(err)
		}
		creds.Password.Wipe()
		r.Wipe()
	}
}

// BenchmarkParseReply parses a refusal with a code.
func BenchmarkParseReply(b *testing.B) {
	line := []byte("-ERR [IN-USE] maildrop is locked by another session")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := pop3.ParseReply(line); err != nil {
			b.Fatal(err)
		}
	}
}
