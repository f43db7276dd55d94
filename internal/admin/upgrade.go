package admin

import (
	"context"
	"errors"
	"net/http"
)

// ErrUpgrading is an upgrade that is under way.
var ErrUpgrading = errors.New("an upgrade is under way")

// UpgradeError is a new process that couldn't take over: the old one goes on.
type UpgradeError struct {
	Reason string // one line
}

func (e *UpgradeError) Error() string { return "the old process goes on: " + e.Reason }

// upgraded is the answer to an upgrade.
type upgraded struct {
	Done string `json:"done"`
	PID  int    `json:"pid"`
}

func (s *Server) upgrade(r *http.Request) (any, error) {
	pid, err := s.process.Upgrade(r.Context())
	if err != nil {
		return nil, err
	}
	return upgraded{"upgraded", pid}, nil
}

// Upgrade has popgate's program started anew, and returns the new process's id
// once that one serves. If it doesn't, the old one goes on, and the error is an
// [*Error] that says why.
func (c *Client) Upgrade(ctx context.Context) (pid int, err error) {
	var answer upgraded
	err = c.ask(ctx, upgradeLimit, http.MethodPost, "/v1/upgrade", &answer)
	return answer.PID, err
}
