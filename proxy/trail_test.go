package proxy

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"popgate/internal/metrics"
	"popgate/internal/pop3"
)

func maskedLine(line string) string {
	cmd, _ := pop3.ParseCommand([]byte(line))
	return masked([]byte(line), cmd)
}

func TestMasked(t *testing.T) {
	for line, want := range map[string]string{
		"capa": "CAPA", "CAPA x": "CAPA ***", "STLS": "STLS", "UTF8": "UTF8", "LANG de": "LANG ***", "QUIT": "QUIT",
		"PASS": "PASS", "PASS ": "PASS ***", "pass secret": "PASS ***", "PASS 12": "PASS ***", "USER": "USER", "USER joe": "USER ***",
		"APOP joe secret": "APOP ***", "RPOP x": "RPOP ***", "XCLIENT ADDR=1": "XCLIENT ***",
		"RETR 1": "RETR 1", "retr 1 ": "RETR ***", "TOP 1 20": "TOP 1 20", "TOP 1 secret": "TOP ***", "LIST -1": "LIST ***",
		"DELE 0123456789": "DELE 0123456789", "DELE 01234567890": "DELE ***", "UIDL ٣": "UIDL ***", "LAST 1": "LAST ***",
		"AUTH": "AUTH", "AUTH ": "AUTH ***", "auth plain": "AUTH PLAIN", "AUTH PLAIN AHNlY3JldA==": "AUTH PLAIN ***",
		"AUTH secret": "AUTH ***", "AUTH secret PLAIN": "AUTH ***", "AUTH xoauth2 x": "AUTH XOAUTH2 ***", "AUTH  PLAIN": "AUTH ***",
		"secret": "(unknown command)", "": "(unknown command)", " PASS secret": "(unknown command)",
		"PASS\tsecret": "(unknown command)", "NOOP\rPASS secret": "(unknown command)", "GET / HTTP/1.1": "(unknown command)",
	} {
		if got := maskedLine(line); got != want {
			t.Errorf("%q is shown as %q, want %q", line, got, want)
		}
	}
}

// FuzzMasked: of any line a trace shows a known word, a mechanism and numbers at
// the most.
func FuzzMasked(f *testing.F) {
	for _, line := range []string{"AUTH PLAIN x", "TOP 1 2", "PASS secret", "secret", "USER\x00x", "XCLIENT a b", "retr 99999999999"} {
		f.Add([]byte(line))
	}
	fit := regexp.MustCompile(`^(\(unknown command\)|[A-Z0-9]{3,7}( \*\*\*| \d{1,10}( \d{1,10})?)?|AUTH ([A-Z0-9-]+)( \*\*\*)?)$`)
	f.Fuzz(func(t *testing.T, line []byte) {
		got := maskedLine(string(line))
		match := fit.FindStringSubmatch(got)
		word, _, _ := strings.Cut(got, " ")
		cmd, _ := pop3.ParseCommand([]byte(word))
		switch {
		case match == nil, got[0] != '(' && !cmd.Known(), match[4] != "" && !slices.Contains(shownMechanisms, match[4]):
			t.Errorf("%q is shown as %q", line, got)
		}
	})
}

func TestClip(t *testing.T) {
	for text, want := range map[string]int{"": 0, strings.Repeat("x", 500): 500, strings.Repeat("x", 501): 500, "x" + strings.Repeat("é", 300): 499} {
		if got := clip(text); len(got) != want || !strings.HasPrefix(text, got) {
			t.Errorf("%d octets of %d", len(got), len(text))
		}
	}
}

// A bug in the tracing ends the trace, with a line in the log, and nothing else.
func TestTrailSurvivesABug(t *testing.T) {
	var log strings.Builder
	srv := New(Options{Metrics: metrics.New(), Logger: hclog.New(&hclog.LoggerOptions{Output: &log})})
	tr := srv.traces.begin(TraceOptions{User: "joe"})
	trail := &trail{srv: srv, rec: &Record{ID: "x-1", began: time.Now()}, born: 1}
	trail.named(names{typed: "joe"})
	trail.command([]byte("USER joe"), nil) // there are no routes to ask
	trail.command([]byte("NOOP"), nil)
	trail.ended()
	e, ok, _ := tr.take()
	if _, more, over := tr.take(); !ok || more || !over || e.Text != "the trace ends here: a bug of popgate, see its log" {
		t.Errorf("%+v", e)
	}
	if !strings.Contains(log.String(), "trace met a bug: session=x-1") {
		t.Errorf("the log: %s", log.String())
	}
	families, err := srv.metrics.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if n := family.GetMetric()[0].GetCounter().GetValue(); family.GetName() == "popgate_panics_total" && n != 0 {
			t.Errorf("%v sessions met a bug, and none has", n)
		}
	}
}

// What popgate says is told as one event, however many lines it has.
func TestTrailOfAnswers(t *testing.T) {
	srv := New(Options{Metrics: metrics.New(), Logger: hclog.NewNullLogger()})
	tr := srv.traces.begin(TraceOptions{User: "joe"})
	trail := &trail{srv: srv, rec: &Record{ID: "x-1"}, born: 1}
	trail.named(names{typed: "joe"})
	for text, want := range map[string]string{
		"+OK\r\n":                              "+OK",
		"+OK list follows.\r\n.\r\n":           "+OK list follows.",
		"+OK list\r\nTOP\r\nSASL A B\r\n.\r\n": "+OK list: TOP, SASL A B",
	} {
		trail.answer(text)
		if e, _, _ := tr.take(); e.From != "popgate" || e.Text != want {
			t.Errorf("%q is told as %+v", text, e)
		}
	}
}

// A session that nobody traces has no trail, which takes everything and keeps
// nothing.
func TestNoTrail(t *testing.T) {
	var ts traces
	none := ts.trail(&session{})
	if none != nil || none.observer() != nil {
		t.Error("there is a trail")
	}
	line := []byte("USER joe")
	if n := testing.AllocsPerRun(100, func() {
		none.command(line, nil)
		none.answer("x")
		none.response(nil)
		none.note("x")
		none.heard(line)
		none.left("x", nil)
		none.ended()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
