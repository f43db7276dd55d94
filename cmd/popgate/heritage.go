package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strings"

	"github.com/hashicorp/go-hclog"

	"popgate/authz"
	"popgate/internal/admin"
	"popgate/internal/config"
	"popgate/internal/handover"
	"popgate/internal/metrics"
	"popgate/tlsconf"
)

// legacy is what a process hands over beside its sockets, at once. It has no printed
// form. Blocks, and who is welcome, follow before the next process may serve
// (remarks); counts begin anew.
type legacy struct {
	// TicketSecret is that of a process's own ticket keys, so that clients go on
	// resuming; empty: ticket_secret says it.
	TicketSecret []byte `json:"ticket_secret,omitempty"`
	// Certificate tells whether clients had been served.
	Certificate bool `json:"certificate"`
	// DrainedBackends are those where operators let nobody new in.
	DrainedBackends []string `json:"drained_backends,omitempty"`
}

// Format writes a fixed word, whatever the verb.
func (legacy) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[secret]") }

// legacy is what the next process gets of this one.
func (s *service) legacy() legacy {
	l := legacy{TicketSecret: s.tickets.Secret(), Certificate: s.hasCertificate()}
	for _, b := range s.config.Load().Backends {
		if s.server.Backend(b.Name).Draining {
			l.DrainedBackends = append(l.DrainedBackends, b.Name)
		}
	}
	return l
}

// inheritance is what a process was given when it was started.
type inheritance struct {
	sockets *handover.Sockets
	before  *handover.Predecessor // nil: none
	legacy  legacy
	trouble error // what of it can't be used
}

// inherit takes what the process was given.
func inherit() *inheritance {
	i := new(inheritance)
	i.sockets, i.before, i.trouble = handover.Inherit()
	if i.before != nil && i.trouble == nil {
		i.trouble = i.before.State(&i.legacy)
	}
	return i
}

// broken is why the place of the process before can't be taken.
func (i *inheritance) broken() error {
	if i.before == nil {
		return nil
	}
	return i.trouble
}

// report tells the process before why this one has failed, if it has; it does not
// listen any more where this one has served.
func (i *inheritance) report(from origin, err error) {
	if i.before == nil {
		return
	}
	if err != nil {
		i.before.Fail(reasonOf(from, err))
	}
	i.before.Close()
}

// reasonOf is an error in a line, also where it has been printed already.
func reasonOf(from origin, err error) string {
	var usage usageError
	if !errors.As(err, &usage) || !errors.Is(usage.err, errShown) {
		return asLine(err)
	}
	var bad *badConfig
	if _, err := loadAgain(from, hclog.NewNullLogger()); errors.As(err, &bad) {
		return strings.Join(bad.problems, "; ")
	}
	return "bad configuration or usage"
}

// newHeir returns a service with what the process was given. One that takes
// another's place accepts nothing yet.
func newHeir(cfg *config.Config, log hclog.Logger, numbers *metrics.Metrics, i *inheritance) (*service, error) {
	with := newLasting(log, numbers)
	with.given.Sockets = i.sockets
	if i.before != nil {
		with.given.hold = make(chan struct{})
	}
	if len(i.legacy.TicketSecret) > 0 {
		with.tickets = tlsconf.SharedTickets(i.legacy.TicketSecret)
	}
	if i.trouble != nil {
		log.Warn("not all inherited sockets can be used", "error", asLine(i.trouble))
	}
	s, err := newServiceOf(cfg, with)
	if err != nil {
		return nil, err
	}
	s.had = i.legacy
	for _, name := range i.legacy.DrainedBackends {
		s.server.DrainBackend(name, true)
	}
	return s, nil
}

// closeUnused closes what was given and nobody wants.
func (s *service) closeUnused() {
	for _, socket := range s.given.CloseUnused() {
		s.log.Warn("inherited socket matches nothing in the configuration, it is closed", "address", socket.Where(), "name", socket.Name)
	}
}

// errNoCertificate is a process that can't serve whom the one before serves.
var errNoCertificate = errors.New("there is no certificate in force")

// takeOver lets the process before know that this one can serve, and waits until
// it may.
func (s *service) takeOver(ctx context.Context, before *handover.Predecessor, ends <-chan os.Signal) error {
	if s.had.Certificate && !s.hasCertificate() {
		return errNoCertificate
	}
	let := make(chan error, 1)
	go func() { let <- before.Ready(func(part json.RawMessage) { s.learn(ctx, part) }) }()
	select {
	case err := <-let:
		if err != nil {
			return err
		}
	case <-ctx.Done():
		return ctx.Err()
	case <-ends:
		return errEnded
	}
	close(s.given.hold)
	s.log.Info("this process serves from now on", "pid", os.Getpid())
	before.Serving()
	before.Close()
	// The process before leaves the file of the socket, unless it is systemd's.
	if socket := &s.entrances.socket; socket.current != nil && !s.given.Kept(handover.Use{Kind: useSocket, Address: socket.address}) {
		admin.Claim(socket.current)
	}
	return nil
}

// remarksAtOnce is how many remarks are told in one part of them.
const remarksAtOnce = 1000

// remarks are what the guard of the next process is to know, in parts.
func (s *service) remarks(ctx context.Context) iter.Seq[any] {
	return func(yield func(any) bool) {
		for part := range slices.Chunk(s.guard.Remarks(ctx), remarksAtOnce) {
			if !yield(part) {
				return
			}
		}
	}
}

// learn takes a part of them over.
func (s *service) learn(ctx context.Context, part json.RawMessage) {
	var remarks []authz.Remark
	if err := json.Unmarshal(part, &remarks); err != nil {
		s.log.Warn("what the process before remembers can't be understood", "error", asLine(err))
		return
	}
	s.guard.Learn(ctx, remarks)
}

var errEnded = errors.New("it was ended before it could take over")
