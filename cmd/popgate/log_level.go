package main

import (
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// logLevel is the log's level: that of the configuration, or another one for a
// time.
type logLevel struct {
	log hclog.Logger

	mu         sync.Mutex
	configured string
	until      time.Time // when the other one ends; zero: it doesn't, or there is none
	timer      *time.Timer
	change     int // counts changes: a timer that comes too late does nothing
}

// configure sets the level of a configuration. Whatever was set before is over.
func (l *logLevel) configure(level string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.configured = level
	l.replace(level, 0)
}

// set changes the level for d; 0: until the next configuration.
func (l *logLevel) set(level string, d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.replace(level, d)
}

// replace needs the lock.
func (l *logLevel) replace(level string, d time.Duration) {
	l.stopTimer()
	l.change++
	l.log.SetLevel(hclog.LevelFromString(level))
	if d <= 0 {
		return
	}
	change := l.change
	l.until = time.Now().Add(d)
	l.timer = time.AfterFunc(d, func() { l.expire(change) })
}

// expire brings the configured level back.
func (l *logLevel) expire(change int) {
	l.mu.Lock()
	over, level := change == l.change, l.configured
	if over {
		l.replace(level, 0)
	}
	l.mu.Unlock()
	if over {
		l.log.Info("log level goes back to that of the configuration", "level", level)
	}
}

// get returns the level, and until when it is another than the configured one.
func (l *logLevel) get() (level string, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.log.GetLevel().String(), l.until
}

// stop forgets what was to come.
func (l *logLevel) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopTimer()
}

// stopTimer needs the lock.
func (l *logLevel) stopTimer() {
	if l.timer != nil {
		l.timer.Stop()
	}
	l.timer, l.until = nil, time.Time{}
}
