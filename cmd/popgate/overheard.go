package main

import (
	"fmt"
	"strings"
	"sync"

	"github.com/hashicorp/go-hclog"
)

// overheard is a logger whose warnings can be listened to: whoever brings a
// configuration in force is told what popgate has against it, beside the log.
type overheard struct {
	hclog.Logger
	ears *ears
}

// ears hear warnings while somebody listens.
type ears struct {
	mu     sync.Mutex
	listen bool
	heard  []string
}

// maxHeard is how many warnings are kept of one configuration. The log has all.
const maxHeard = 20

func overhear(log hclog.Logger) overheard { return overheard{log, new(ears)} }

// begin listens from now on.
func (e *ears) begin() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.listen, e.heard = true, nil
}

// end listens no more, and returns what was heard, a line each.
func (e *ears) end() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	heard := e.heard
	e.listen, e.heard = false, nil
	return heard
}

func (e *ears) hear(message string, args []any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.listen || len(e.heard) >= maxHeard {
		return
	}
	var line strings.Builder
	line.WriteString(message)
	for i := 0; i+1 < len(args); i += 2 {
		between := ", "
		if i == 0 {
			between = ": "
		}
		fmt.Fprintf(&line, "%s%v %v", between, args[i], args[i+1])
	}
	e.heard = append(e.heard, strings.ReplaceAll(line.String(), "\n", "; "))
}

// Warn logs, and lets be heard.
func (o overheard) Warn(message string, args ...any) {
	o.Logger.Warn(message, args...)
	o.ears.hear(message, args)
}

// Log logs, and lets warnings be heard.
func (o overheard) Log(level hclog.Level, message string, args ...any) {
	o.Logger.Log(level, message, args...)
	if level == hclog.Warn {
		o.ears.hear(message, args)
	}
}

// Named returns a logger that is overheard as well.
func (o overheard) Named(name string) hclog.Logger { return overheard{o.Logger.Named(name), o.ears} }

// With returns a logger that is overheard as well.
func (o overheard) With(args ...any) hclog.Logger { return overheard{o.Logger.With(args...), o.ears} }
