package admin

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// ReloadError is a configuration that couldn't be brought in force: the old one
// stays.
type ReloadError struct {
	Problems []string // one line each
}

func (e *ReloadError) Error() string {
	return "the old configuration stays: " + strings.Join(e.Problems, "; ")
}

// Reload is what became of reading the configuration again.
type Reload struct {
	Time time.Time `json:"time"`
	OK   bool      `json:"ok"` // false: the one of before stays in force
	// Problems are why not, Warnings what there is to say against one that is in
	// force, a line each, and the first few only. They may quote the configuration:
	// who has neither the socket nor the token doesn't see them.
	Problems []string `json:"problems,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
}

// maxProblems is how many lines of a reload a status has.
const maxProblems = 5

// shown is a reload as whoever asks may see it; nil: there was none.
func (l *Reload) shown(ctx context.Context) *Reload {
	if l == nil {
		return nil
	}
	out := &Reload{Time: l.Time, OK: l.OK}
	if trusted(ctx) {
		out.Problems, out.Warnings = firstLines(l.Problems), firstLines(l.Warnings)
	}
	return out
}

// firstLines are the first of some lines, made fit for a terminal, and how many
// more there are.
func firstLines(all []string) (lines []string) {
	for _, line := range all[:min(len(all), maxProblems)] {
		lines = append(lines, printable(line))
	}
	if more := len(all) - maxProblems; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more, which the log has", more))
	}
	return lines
}

// reloadAnswer is the answer to "reload".
type reloadAnswer struct {
	Done     string   `json:"done"`
	Warnings []string `json:"warnings,omitempty"` // a line each
}

func (s *Server) reload(w http.ResponseWriter, r *http.Request) error {
	warnings, err := s.reloadSpared(w, r)
	if err != nil {
		return err
	}
	answer := reloadAnswer{Done: "reloaded"}
	for _, warning := range warnings {
		answer.Warnings = append(answer.Warnings, printable(warning))
	}
	return s.reply(w, answer, nil)
}

// reloadSpared reloads while the connection waits for the answer. However that ends,
// nothing spares the connection behind it.
func (s *Server) reloadSpared(w http.ResponseWriter, r *http.Request) (warnings []string, err error) {
	conn, _ := r.Context().Value(overTCP{}).(*placed)
	s.strangers.spare(conn)
	defer func() {
		if s.strangers.isDoomed(conn) {
			w.Header().Set("Connection", "close")
		}
	}()
	return s.process.Reload(r.Context())
}

// Reload makes popgate read its configuration again, and returns what there is to
// say against the one that is in force now. If it can't be brought in force, the
// error is an [*Error] with its Problems.
func (c *Client) Reload(ctx context.Context) (warnings []string, err error) {
	var answer reloadAnswer
	err = c.ask(ctx, quickLimit, http.MethodPost, "/v1/reload", &answer)
	return answer.Warnings, err
}
