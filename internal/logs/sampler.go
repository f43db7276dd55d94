package logs

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// SamplerOptions are those of a Sampler.
type SamplerOptions struct {
	Window time.Duration // 0: 10 s
	First  int           // lines of a kind that are logged in a window; 0: 5
	Kinds  int           // kinds that are told apart in a window; 0: 1,000
	Whole  []string      // messages of which every line is logged
}

// Sampler keeps warnings and errors that repeat themselves out of a log, and
// tells how many it has left out. Two lines are of one kind if they have the
// same level, message and, of what sampledKeys has, value. Other levels pass:
// the lines of sessions and logins are a record that others read.
type Sampler struct {
	opts SamplerOptions

	mu    sync.Mutex
	at    map[kind]int // places in rows
	rows  []row        // in the order of their first lines
	ended bool         // everything passes
}

// row counts the lines of a kind in this window.
type row struct {
	kind
	logged, left int
}

// other is the kind that is the last one of a level once there are too many.
const other = "other"

// NewSampler returns a Sampler. Somebody has to call Run, or Flush again and
// again: only these begin another window.
func NewSampler(opts SamplerOptions) *Sampler {
	if opts.Window <= 0 {
		opts.Window = 10 * time.Second
	}
	if opts.First <= 0 {
		opts.First = 5
	}
	if opts.Kinds <= 0 {
		opts.Kinds = 1000
	}
	return &Sampler{opts: opts, at: make(map[kind]int)}
}

// Exclude reports whether a line is left out, and counts it then. It is a
// function for hclog.LoggerOptions, which calls it with its lock held.
func (s *Sampler) Exclude(level hclog.Level, message string, args ...any) bool {
	if level != hclog.Warn && level != hclog.Error || message == repeated || slices.Contains(s.opts.Whole, message) {
		return false
	}
	k := kindOf(level, message, args) // not under the lock: it asks values for their texts
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false
	}
	r := s.row(k)
	if r.logged < s.opts.First {
		r.logged++
		return false
	}
	r.left++
	return true
}

// row returns that of k, or the last one that is left for all others.
func (s *Sampler) row(k kind) *row {
	i, found := s.at[k]
	if !found && len(s.rows) >= s.opts.Kinds {
		k = kind{level: k.level, message: other}
		i, found = s.at[k]
	}
	if !found {
		i = len(s.rows)
		k = k.clone()
		s.at[k] = i
		s.rows = append(s.rows, row{kind: k})
	}
	return &s.rows[i]
}

// Run tells at the end of each window what was left out in it, until ctx ends:
// then it tells the rest, and nothing is left out any more.
func (s *Sampler) Run(ctx context.Context, log hclog.Logger) {
	ticker := time.NewTicker(s.opts.Window)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.Flush(log)
		case <-ctx.Done():
			s.mu.Lock()
			s.ended = true
			s.mu.Unlock()
			s.Flush(log)
			return
		}
	}
}

// Flush ends the window and tells what was left out in it: a line for each
// kind, at its level.
func (s *Sampler) Flush(log hclog.Logger) {
	// Logging takes the logger's lock, under which Exclude takes ours.
	for _, r := range s.next() {
		if r.left > 0 {
			log.Log(r.level, repeated, r.args()...)
		}
	}
}

// next begins another window and returns the rows of this one.
func (s *Sampler) next() []row {
	s.mu.Lock()
	defer s.mu.Unlock()
	rows := s.rows
	s.rows = nil
	clear(s.at)
	return rows
}
