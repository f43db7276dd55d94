package proxy_test

import (
	"crypto/tls"
	"io"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"popgate/internal/poptest"
)

// hostile is text that would like to be a line, a value or an escape sequence of
// its own in a log.
const hostile = "x end=forged \"end\"=\"forged\" \\ \u2028\u202e\ufeff"

// oneEvent is a line of the log's text format, with values that are quoted or
// hold nothing to quote.
var oneEvent = regexp.MustCompile(`^[0-9T:.+Z-]+ \[(DEBUG|INFO|WARN|ERROR)\] +[a-z' ]+` +
	`(: (session|address|client|event)=[^ "]+)?( [a-z_]+=("(\\.|[^"\\])*"|[^ "=\\]*))*\n$`)

// Attack L1: in the text format each event is one line of bounded length, made of
// printable characters, whatever strangers say: as a name, as a server name,
// as a protocol, as a backend.
func TestLogLinesAreOneEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		greeting := make(chan string, 1)
		h := newHall(t, func(c *poptest.BackendConn) {
			_ = c.Send(<-greeting)
			for _, ok := c.Line(); ok; _, ok = c.Line() {
				_ = c.Send("-ERR \x1b[31m " + hostile + strings.Repeat("z", 500) + "\r\n")
			}
		}, func(p *plan) {
			log := newEventLog()
			p.server.Logger = hclog.New(&hclog.LoggerOptions{Output: log, Level: hclog.Debug})
			t.Cleanup(func() { checkEvents(t, log.String()) })
		})
		defer h.close()
		for _, hello := range []string{"+OK\r\n", "\x1b[31m\n", hostile + "\r\n", strings.Repeat("a", 5000), "-ERR " + hostile + "\r\n"} {
			under, err := h.raw()
			if err != nil {
				t.Fatal(err)
			}
			greeting <- hello
			config := h.tls.Clone()
			config.ServerName, config.InsecureSkipVerify = "a\nb=\"c\" \x1b[31m.example", true
			m := newMail(under, under, config)
			if err := m.asks("", "+OK", "USER "+hostile, "+OK", "PASS sesame", "-ERR"); err != nil {
				t.Error(err)
			}
			_ = m.under.Close()
		}
		for _, protocol := range []string{"h2\n=\"x", hostile, strings.Repeat("p", 255)} {
			h.shakes(t, func(config *tls.Config) { config.NextProtos = []string{protocol} })
		}
		many := make([]string, 200)
		for i := range many {
			many[i] = strings.Repeat("p", 250)
		}
		h.shakes(t, func(config *tls.Config) { config.NextProtos = many })
		for _, words := range []string{"GET /" + hostile + "\r\n", "NOOP\r\nUSER \x1b[31m\r\nXYZZY \x1b" + hostile + "\r\n"} {
			m, err := h.dial()
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(m, words)
			_ = m.under.Close()
		}
		<-time.After(time.Minute)
		h.checkLabels(t)
	})
}

// shakes makes a handshake that fails.
func (h *hall) shakes(t *testing.T, tweak func(*tls.Config)) {
	t.Helper()
	under, err := h.raw()
	if err != nil {
		t.Fatal(err)
	}
	defer under.Close()
	config := h.tls.Clone()
	tweak(config)
	if tls.Client(under, config).Handshake() == nil {
		t.Error("the handshake did not fail")
	}
}

// checkEvents insists on the form of each line.
func checkEvents(t *testing.T, log string) {
	t.Helper()
	if n := strings.Count(log, "\n"); n < 30 {
		t.Errorf("only %d lines in the log", n)
	}
	for line := range strings.Lines(log) {
		switch {
		case len(line) > 1500:
			t.Errorf("a line of %d octets: %.300q", len(line), line)
		case !oneEvent.MatchString(line), strings.ContainsAny(line, "\x1b\u2028\u202e\ufeff\r"):
			t.Errorf("not one event: %q", line)
		case strings.Contains(line, " end=forged"), strings.Contains(line, "sesame"):
			t.Errorf("a stranger wrote a part of it: %q", line)
		}
	}
}

// checkLabels is attack L2: no label has anything that a stranger chose.
func (h *hall) checkLabels(t *testing.T) {
	t.Helper()
	families, err := h.metrics.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	word := regexp.MustCompile(`^[a-z0-9_]*$|^TLS 1\.[23]$|^TLS_[A-Z0-9_]+$|^(USER|PLAIN|LOGIN)$`)
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), "popgate_") {
			continue
		}
		for _, m := range family.GetMetric() {
			for _, pair := range m.GetLabel() {
				if !word.MatchString(pair.GetValue()) {
					t.Errorf("%s has a label %s=%q", family.GetName(), pair.GetName(), pair.GetValue())
				}
			}
		}
	}
}
