package admin

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Process is what the program tells of itself, and what it can be told to do.
type Process interface {
	// Status tells how everything is. Backends, certificates and the number of
	// blocks are filled in by the Server.
	Status() Status

	// Ready tells whether clients are served, and if not, why.
	Ready() Readiness

	// Config returns the configuration in force as config.hcl, defaults
	// included and secrets masked.
	Config() string

	// Reload reads the configuration again and brings it in force. It returns
	// what there is to say against that, a line each. Its errors are
	// ErrShuttingDown and a *ReloadError; the end of ctx ends the waiting only.
	Reload(ctx context.Context) (warnings []string, err error)

	// Drain begins to drain, as SIGTERM does. Doing it twice does no harm.
	Drain()

	// Upgrade starts the program anew, which then takes over. It returns the new
	// process's id once that one serves. Its errors are ErrShuttingDown,
	// ErrUpgrading and an *UpgradeError, after which all is as before; the end of
	// ctx ends the waiting only.
	Upgrade(ctx context.Context) (pid int, err error)

	// LogLevel returns the log's level, and until when it is not that of the
	// configuration; zero: it is, or until the next reload.
	LogLevel() (level string, until time.Time)

	// SetLogLevel changes the log's level for a time, 0: until the next reload.
	SetLogLevel(level string, d time.Duration)
}

// Listener is where mail clients connect to.
type Listener struct {
	Name    string `json:"name"`
	Address string `json:"address,omitempty"` // as it is bound; "": it is not open
}

// Readiness tells whether clients are served.
type Readiness struct {
	Ready   bool     `json:"ready"`
	Reasons []string `json:"reasons,omitempty"` // why not, a line each
}

// Status is how everything is, for a page or a screen.
type Status struct {
	Version      string    `json:"version"`
	GoVersion    string    `json:"go_version"`
	Hostname     string    `json:"hostname"`
	Time         time.Time `json:"time"` // of this answer
	Started      time.Time `json:"started"`
	ConfigLoaded time.Time `json:"config_loaded"`         // when the one in force was
	LastReload   *Reload   `json:"last_reload,omitempty"` // nil: there was none
	Readiness
	LogLevel    string `json:"log_level"`
	LogDropped  uint64 `json:"log_dropped"`  // lines that the log's target didn't take
	MemoryBytes uint64 `json:"memory_bytes"` // held by the Go runtime
	Goroutines  int    `json:"goroutines"`

	Connections int            `json:"connections"` // how many there can be
	Listeners   []Listener     `json:"listeners"`
	Sessions    []SessionCount `json:"sessions"`
	Logins      []LoginMinute  `json:"logins"` // of the last hour, the oldest first

	Backends     []Backend     `json:"backends"`
	Certificates []Certificate `json:"certificates"`
	Blocks       int           `json:"blocks"`
}

// SessionCount is how many sessions of a kind are open.
type SessionCount struct {
	State    string `json:"state"` // "before_login" or "logged_in"
	Listener string `json:"listener"`
	Tenant   string `json:"tenant,omitempty"` // "other": one of those beyond the first 200
	Open     int    `json:"open"`
}

// LoginMinute is what became of the logins of a minute. Refused is as a wrong
// password is, Error for a reason that is none of the client's.
type LoginMinute struct {
	Start   time.Time `json:"start"`
	OK      uint64    `json:"ok"`
	Refused uint64    `json:"refused"`
	Error   uint64    `json:"error"`
}

// status completes the program's own with what the other interfaces know.
func (s *Server) status(ctx context.Context) Status {
	return s.overview(ctx, len(s.logins.Blocks(ctx)))
}

// overview is the status where the blocks have been counted already, as whoever
// asks may see it.
func (s *Server) overview(ctx context.Context, blocks int) Status {
	status := s.process.Status()
	status.LastReload = status.LastReload.shown(ctx)
	status.Time = time.Now().UTC().Truncate(time.Second)
	status.Readiness = s.process.Ready()
	status.Backends = s.printableBackends()
	status.Certificates = s.printableCertificates()
	status.Blocks = blocks
	return status
}

func (s *Server) showStatus(r *http.Request) (any, error) { return s.status(r.Context()), nil }

// health is the answer to /healthz: whoever can say it is alive.
type health struct {
	Status string `json:"status"`
}

func (s *Server) healthz(*http.Request) (any, error) { return health{"ok"}, nil }

// readyz answers 503 where clients aren't served.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) error {
	ready := s.process.Ready()
	body, err := encode(ready, nil)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if !ready.Ready {
		status = http.StatusServiceUnavailable
	}
	s.send(w, status, body)
	return nil
}

// configAnswer is the answer to "show configuration".
type configAnswer struct {
	HCL string `json:"hcl"`
}

func (s *Server) showConfig(*http.Request) (any, error) { return configAnswer{s.process.Config()}, nil }

// done is the answer to calls that have nothing else to say.
type done struct {
	Done string `json:"done"`
}

func (s *Server) drain(*http.Request) (any, error) {
	s.process.Drain()
	return done{"draining"}, nil
}

// LogLevel is the log's level.
type LogLevel struct {
	Level string `json:"level"`
	// Until is when it will be that of the configuration again. Nil: it is, or
	// will be with the next reload.
	Until *time.Time `json:"until,omitempty"`
}

// logWish is a level that is wanted, and for how long.
type logWish struct {
	Level string `json:"level"`
	For   string `json:"for,omitempty"` // such as "10m"; "": until the next reload
}

// levels are those of log { level }.
var levels = []string{"trace", "debug", "info", "warn", "error"}

// maxLevelTime bounds how long a level may last, and minLevelTime is a second.
const (
	minLevelTime = time.Second
	maxLevelTime = 24 * time.Hour
)

func (s *Server) showLogLevel(*http.Request) (any, error) { return s.logLevel(), nil }

func (s *Server) logLevel() LogLevel {
	level, until := s.process.LogLevel()
	if until.IsZero() {
		return LogLevel{Level: level}
	}
	until = until.UTC().Truncate(time.Second)
	return LogLevel{Level: level, Until: &until}
}

func (s *Server) setLogLevel(r *http.Request) (any, error) {
	var wish logWish
	if err := readBody(r, &wish); err != nil {
		return nil, badRequest("%v", err)
	}
	d, err := wish.check()
	if err != nil {
		return nil, badRequest("%v", err)
	}
	mention(r.Context(), "level", wish.Level)
	if d > 0 {
		mention(r.Context(), "for", d.String())
	}
	s.process.SetLogLevel(wish.Level, d)
	return s.logLevel(), nil
}

func (w logWish) check() (time.Duration, error) {
	if !slices.Contains(levels, w.Level) {
		return 0, errors.New("level is one of " + strings.Join(levels, ", "))
	}
	if w.For == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(w.For)
	if err != nil || d < minLevelTime || d > maxLevelTime {
		return 0, errors.New("for is a time from 1s to 24h, such as 10m")
	}
	return d, nil
}

// Status tells how everything is.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var status Status
	err := c.ask(ctx, quickLimit, http.MethodGet, "/v1/status", &status)
	return status, err
}

// Config returns the configuration in force, secrets masked.
func (c *Client) Config(ctx context.Context) (string, error) {
	var answer configAnswer
	err := c.ask(ctx, quickLimit, http.MethodGet, "/v1/config", &answer)
	return answer.HCL, err
}

// Drain makes popgate drain and end.
func (c *Client) Drain(ctx context.Context) error {
	return c.ask(ctx, quickLimit, http.MethodPost, "/v1/drain", new(done))
}

// LogLevel returns the log's level.
func (c *Client) LogLevel(ctx context.Context) (LogLevel, error) {
	var level LogLevel
	err := c.ask(ctx, quickLimit, http.MethodGet, "/v1/log", &level)
	return level, err
}

// SetLogLevel changes the log's level for a time; 0: until the next reload.
func (c *Client) SetLogLevel(ctx context.Context, level string, d time.Duration) (LogLevel, error) {
	wish := logWish{Level: level}
	if d != 0 {
		wish.For = d.String()
	}
	var now LogLevel
	err := c.askJSON(ctx, quickLimit, http.MethodPut, "/v1/log", wish, &now)
	return now, err
}
