package pop3_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"popgate/internal/pop3"
)

// hclog formats a key with %s.
func TestPasswordUnexportedAsLogKey(t *testing.T) {
	_, unreachable := carriers(secret(hidden))
	for name, v := range unreachable {
		var out bytes.Buffer
		hclog.New(&hclog.LoggerOptions{Output: &out}).Info("login", v, "value")
		if r := leaks(out.String(), hidden); r != "" {
			t.Errorf("%s leaks %q: %s", name, r, out.String())
		}
	}
}

func TestRequestPrintsNoPassword(t *testing.T) {
	for _, r := range []pop3.Request{pop3.Pass(secret(hidden)), pop3.PlainResponse("joe", secret(hidden))} {
		for _, verb := range verbs() {
			for _, v := range []any{r, &r, []pop3.Request{r}, struct{ r pop3.Request }{r}} {
				out := fmt.Sprintf(verb, v)
				if s := leaks(out, hidden); s != "" || strings.Contains(out, "65 71 112 118 90 81") || strings.Contains(out, "AGpvZQBodW50") {
					t.Fatalf("%s of %T leaks: %s", verb, v, out)
				}
			}
		}
	}
}

func TestCommandPrintsNoPassword(t *testing.T) {
	c, err := pop3.ParseCommand([]byte("PASS " + hidden))
	if err != nil {
		t.Fatal(err)
	}
	// fmt walks into an unexported field, and %p and %w never ask for a method:
	// nobody keeps a Command in one.
	for _, v := range []any{c, &c, []pop3.Command{c}} {
		for _, verb := range verbs() {
			if strings.HasSuffix(verb, "p") || strings.HasSuffix(verb, "w") {
				continue
			}
			if out := fmt.Sprintf(verb, v); leaks(out, hidden) != "" {
				t.Fatalf("%s of %T leaks: %s", verb, v, out)
			}
		}
	}
}

func TestReaderPrintsNoPassword(t *testing.T) {
	r := pop3.NewReader(strings.NewReader("PASS " + hidden + "\r\n"))
	if _, err := r.ReadCommand(); err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%x"} {
		if out := fmt.Sprintf(verb, r); leaks(out, hidden) != "" {
			t.Errorf("%s leaks: %.80s", verb, out)
		}
	}
}

// Appending to a line, or to an argument, must not write over what was
// pipelined behind it.
func TestLinesHaveNoRoom(t *testing.T) {
	r := pop3.NewReader(strings.NewReader("USER joe\r\nDELE 1\r\n"))
	line, err := r.ReadCommand()
	if err != nil {
		t.Fatal(err)
	}
	c, err := pop3.ParseCommand(line)
	if err != nil {
		t.Fatal(err)
	}
	_ = append(c.Arg, "@example.com"...)
	if next, err := r.ReadCommand(); string(next) != "DELE 1" || err != nil {
		t.Errorf("the next line is %q, %v, want DELE 1", next, err)
	}
}

// fgets with a buffer of 512 takes 511 octets; what it leaves is a line of its own.
func TestLongestRequestFitsFgets(t *testing.T) {
	var w recorder
	longest := strings.Repeat("a", pop3.MaxRequest-len("PASS \r\n"))
	if err := pop3.Send(&w, pop3.Pass(secret(longest))); err != nil {
		t.Fatal(err)
	}
	const buffer = 512
	if n := len(w.writes[0]); n > buffer-1 {
		t.Errorf("fgets(buf, %d) leaves %q of a line of %d octets", buffer, w.writes[0][buffer-1:], n)
	}
}
