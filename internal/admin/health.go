package admin

import (
	"context"
	"fmt"
	"net/http"
)

// readyAnswer is what /readyz answers, with either status. Ready is nil if it is
// an error.
type readyAnswer struct {
	Ready   *bool    `json:"ready"`
	Reasons []string `json:"reasons"`
	errorAnswer
}

// Ready tells whether popgate serves clients, and if not, why. One that is ending
// answers with [ErrShuttingDown].
func (c *Client) Ready(ctx context.Context) (Readiness, error) {
	ctx, cancel := context.WithTimeout(ctx, quickLimit)
	defer cancel()
	answer, err := c.send(ctx, http.MethodGet, "/readyz", nil)
	if err != nil {
		return Readiness{}, err
	}
	defer answer.Body.Close()
	status := answer.StatusCode
	if status == http.StatusServiceUnavailable {
		status = http.StatusOK // "no" is an answer as well
	}
	var said readyAnswer
	if err := decode(status, answer.Body, &said); err != nil {
		return Readiness{}, c.failed(err)
	}
	switch {
	case said.Error != nil && said.Error.Code != "":
		return Readiness{}, said.Error.printable()
	case said.Ready == nil, *said.Ready != (answer.StatusCode == http.StatusOK):
		return Readiness{}, c.failed(fmt.Errorf("%w: status %d does not fit it", errAnswer, answer.StatusCode))
	}
	return Readiness{Ready: *said.Ready, Reasons: said.Reasons}, nil
}

// Healthy returns nil if popgate is alive, whether it serves clients or not.
func (c *Client) Healthy(ctx context.Context) error {
	var said health
	if err := c.ask(ctx, quickLimit, http.MethodGet, "/healthz", &said); err != nil {
		return err
	}
	if said.Status != "ok" {
		return c.failed(fmt.Errorf("%w: it is not healthy", errAnswer))
	}
	return nil
}
