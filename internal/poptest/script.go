package poptest

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Script is one session of a transcript file, ready for Play. The package
// comment describes the format.
type Script struct {
	File     string // base name of the file
	Name     string // the session's name, or the file's without .txt
	Head     string // the comment that the file starts with, without #
	Settings Settings
	steps    []step
}

// Settings are the values of a script's set lines by key, in order.
type Settings map[string][]string

// Get returns the last value of key, or def if it isn't set.
func (s Settings) Get(key, def string) string {
	if v := s[key]; len(v) > 0 {
		return v[len(v)-1]
	}
	return def
}

// Load reads the transcripts that a pattern of path/filepath matches. No match
// and a faulty file fail tb.
func Load(tb testing.TB, pattern string) []*Script {
	tb.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		tb.Fatalf("transcripts %s: %v", pattern, err)
	}
	if len(files) == 0 {
		tb.Fatalf("transcripts %s: there are none", pattern)
	}
	var scripts []*Script
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		parsed, err := Parse(filepath.Base(file), text)
		if err != nil {
			tb.Fatal(err)
		}
		scripts = append(scripts, parsed...)
	}
	return scripts
}

// side says whose step it is.
type side byte

const (
	client  side = 'C' // the client sends
	server  side = 'S' // the client receives
	proxy   side = 'P' // the backend receives
	backend side = 'B' // the backend sends
	pause   side = 'w' // time goes by
)

// sends says whether the side is one that sends.
func (s side) sends() bool { return s == client || s == backend }

// step is one line of a script.
type step struct {
	line int    // in the file
	text string // as written there
	side side
	num  int // of the client or backend connection, 0 if not given

	force  bool // send at once
	may    bool // sending may fail
	times  int
	timing timing

	data  []byte // to send or to receive
	open  bool   // data is only the start of the line
	event string // instead of data
	args  []string
	span  time.Duration // of wait and <nothing>
}

// timing is a condition on when something came.
type timing struct {
	op string // ">=", "<=", "=" or none
	d  time.Duration
}

// holds says whether something that came after d was in time.
func (t timing) holds(d time.Duration) bool {
	switch t.op {
	case ">=":
		return d >= t.d
	case "<=":
		return d <= t.d
	case "=":
		return d == t.d
	}
	return true
}
