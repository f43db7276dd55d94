package relay

import (
	"bytes"
	"io"
	"math/rand/v2"
	"regexp"
	"strings"
)

// readOnly makes the relay of a rig a read-only one.
func readOnly(o *Options) { o.ReadOnly = true }

// Refusals, as the client reads them.
const (
	refusedDelete  = "-ERR this mailbox is read-only\r\n"
	refusedCommand = "-ERR no such command, this mailbox is read-only\r\n"
	refusedCRLF    = "-ERR a line must end in CRLF\r\n"
	refusedControl = "-ERR control characters are not allowed\r\n"
	refusedLong    = "-ERR line too long\r\n"
)

// mayPass is what a backend may see, and nothing else.
var mayPass = lineOf("STAT", "LIST", "UIDL", "RETR", "TOP", "NOOP", "RSET", "CAPA", "QUIT")

// asksDelete is a well-formed DELE.
var asksDelete = lineOf("DELE")

// lineOf matches a line with one of the keywords in any ASCII case. (?i) would
// take U+017F for an S.
func lineOf(keywords ...string) *regexp.Regexp {
	var words []string
	for _, keyword := range keywords {
		word := ""
		for _, c := range keyword {
			word += "[" + string(c) + strings.ToLower(string(c)) + "]"
		}
		words = append(words, word)
	}
	return regexp.MustCompile(`^(?:` + strings.Join(words, "|") + `)(?: [^\x00-\x1f\x7f]*)?\r\n$`)
}

// refusalOf says what popgate answers to a line with its LF; "" if the
// backend does.
func refusalOf(line string) string {
	switch {
	case len(line) > gateSize:
		return refusedLong
	case mayPass.MatchString(line):
		return ""
	case !strings.HasSuffix(line, "\r\n"):
		return refusedCRLF
	case strings.ContainsAny(line[:len(line)-2], controls):
		return refusedControl
	case asksDelete.MatchString(line):
		return refusedDelete
	}
	return refusedCommand
}

var controls = func() string {
	var b strings.Builder
	for c := range byte(0x20) {
		b.WriteByte(c)
	}
	b.WriteByte(0x7f)
	return b.String()
}()

// bodies are what is nasty behind a +OK, with its end.
var bodies = []string{
	".\r\n",
	"\r\n.\r\n",
	"-ERR\r\n+OK\r\n.\r\n",
	"Subject: x\r\n\r\n..\r\n...\r\n.x\r\n..\r\n.\r\n",
	"one\r\none\n.\ntwo\r\n.\nthree\n.\r\nfour\r\n.\r\n",
	"\r.\r\r\n.\r\r\n\r.\r\n.\n\r\n.\r\n",
	"\x00\xff\x80 8-bit\r\n.\r\n",
	"no end of line before the dot.\r\n.\r.\r\n.\r\n",
	strings.Repeat("x", 3000) + "\r\n.\r\n",
	"mail as it lies in a file\nline\n.\n",
	"the same, and CRLF at its end\n..\n.x\n\n.\r\n",
	"\n.\r\n",
	".\n",
}

// mailbox is a backend that follows RFC 1939 and answers in nasty ways. The
// answer depends on the line and its number only.
func mailbox(line string, number int) string {
	keyword, arg, _ := strings.Cut(strings.ToUpper(strings.TrimRight(line, "\r\n")), " ")
	if number%7 == 6 {
		return []string{"-ERR\r\n", "-ERR no\n", "-ERR [IN-USE] +OK .\r\n"}[number%3]
	}
	body := bodies[(number+len(line))%len(bodies)]
	switch keyword {
	case "RETR", "TOP", "CAPA":
		return []string{"+OK\r\n", "+OK 120 octets\r\n", "+OK ."[:3+number%3] + "\r\n"}[number%3] + body
	case "LIST", "UIDL":
		if strings.Trim(arg, " ") == "" {
			return "+OK " + arg + "\r\n" + body
		}
	}
	return []string{"+OK\r\n", "+OK 2 320\n", "+OK\t.\r\n"}[number%3]
}

// serveLines reads lines up to LF and writes what answer says to each, in
// pieces. It returns what it read at the end of the stream, or when answer
// says that it is over.
func serveLines(conn end, rng *rand.Rand, answer func(line string, number int) (text string, over bool)) string {
	var got, line bytes.Buffer
	b := make([]byte, 600)
	for number := 0; ; {
		n, err := conn.Read(b[:1+rng.IntN(len(b))])
		for _, c := range b[:n] {
			got.WriteByte(c)
			line.WriteByte(c)
			if c != '\n' {
				continue
			}
			text, over := answer(line.String(), number)
			_ = pieces(conn, []byte(text), rng)
			if over {
				return got.String()
			}
			number++
			line.Reset()
		}
		if err != nil {
			return got.String()
		}
	}
}

// answers makes a backend of a list of answers, which goes on to say nothing.
func answers(texts ...string) func(string, int) (string, bool) {
	return func(_ string, number int) (string, bool) {
		if number < len(texts) {
			return texts[number], false
		}
		return "", false
	}
}

// backendOf runs a backend beside a test until its stream ends.
func backendOf(r *rig, answer func(line string, number int) (string, bool)) (got <-chan string) {
	all := make(chan string, 1)
	go func() { all <- serveLines(r.backend, rand.New(rand.NewPCG(1, 2)), answer) }()
	return all
}

// readAll reads until the stream ends in any way.
func readAll(from io.Reader) string {
	b, _ := io.ReadAll(from)
	return string(b)
}
