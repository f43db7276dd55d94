package main

import (
	"bytes"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
)

// TestLogLevel: a level that was set for a time ends with it, or with the next
// configuration, and the last wish counts.
func TestLogLevel(t *testing.T) {
	type step struct {
		after time.Duration
		do    func(l *logLevel)
		want  string
		ends  bool
	}
	configure := func(level string) func(*logLevel) { return func(l *logLevel) { l.configure(level) } }
	set := func(level string, d time.Duration) func(*logLevel) { return func(l *logLevel) { l.set(level, d) } }
	nothing := func(*logLevel) {}
	for name, steps := range map[string][]step{
		"for a time":               {{0, set("debug", time.Minute), "debug", true}, {59 * time.Second, nothing, "debug", true}, {2 * time.Second, nothing, "info", false}},
		"for good":                 {{0, set("warn", 0), "warn", false}, {24 * time.Hour, nothing, "warn", false}},
		"until a configuration":    {{0, set("trace", time.Hour), "trace", true}, {time.Minute, configure("error"), "error", false}, {2 * time.Hour, nothing, "error", false}},
		"another one":              {{0, set("debug", time.Minute), "debug", true}, {30 * time.Second, set("trace", time.Minute), "trace", true}, {45 * time.Second, nothing, "trace", true}, {16 * time.Second, nothing, "info", false}},
		"back to the configured":   {{0, set("debug", time.Minute), "debug", true}, {time.Second, set("info", 0), "info", false}, {2 * time.Minute, nothing, "info", false}},
		"stopped, nothing to come": {{0, set("debug", time.Minute), "debug", true}, {0, (*logLevel).stop, "debug", false}, {time.Hour, nothing, "debug", false}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &logLevel{log: hclog.New(&hclog.LoggerOptions{Output: io.Discard})}
				l.configure("info")
				for i, s := range steps {
					<-time.After(s.after)
					s.do(l)
					synctest.Wait()
					if level, until := l.get(); level != s.want || until.IsZero() == s.ends {
						t.Errorf("step %d: %s until %v, want %s, ends: %v", i, level, until, s.want, s.ends)
					}
				}
			})
		})
	}
}

// TestLogLevelGoesBack: who reads the log sees when a level's time is over, and
// nothing of one that was replaced before.
func TestLogLevelGoesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		l := &logLevel{log: hclog.New(&hclog.LoggerOptions{Output: &said, DisableTime: true})}
		l.configure("info")
		l.set("debug", time.Minute)
		l.set("trace", time.Minute)
		<-time.After(2 * time.Minute)
		synctest.Wait()
		if got := said.String(); got != "[INFO]  log level goes back to that of the configuration: level=info\n" {
			t.Errorf("%q", got)
		}
	})
}
