package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/hashicorp/go-hclog"
	"popgate/internal/admin"
	"popgate/internal/config"
	"popgate/proxy"
	"popgate/tlsconf"
)

// entrances are what can be connected to beside mail: the port at which a CA
// asks for HTTP-01 challenges and mail clients for settings, and those of operators, a socket and a TCP port.
type entrances struct {
	log       hclog.Logger
	challenge door
	answers   *http.Server
	askers    admin.Visitors // of answers
	socket    door
	operators door // over TCP
	admin     *admin.Server
}

// newEntrances returns closed ones.
func newEntrances(log hclog.Logger, challenges http.Handler, given *given, desks admin.Options) (*entrances, error) {
	e := &entrances{log: log, answers: tlsconf.NewChallengeServer(challenges)}
	desks.Logger = log.Named("admin")
	e.challenge.log, e.socket.log, e.operators.log = log.Named("acme"), desks.Logger, desks.Logger
	e.answers.ConnState = e.askers.Count
	e.answers.ErrorLog = log.Named("acme").StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug})
	e.challenge.listen = func(address string) (net.Listener, error) { return given.listen(useChallenge, address) }
	e.challenge.serve = func(l net.Listener) error { return e.answers.Serve(tlsconf.LimitChallenges(l)) }
	var err error
	if e.admin, err = admin.New(desks); err != nil {
		return nil, err
	}
	e.admin.SetAccess(admin.Access{At: nowhere})
	e.socket.listen, e.socket.serve = given.listenAdmin, e.admin.Serve
	e.operators.listen = func(address string) (net.Listener, error) { return given.listen(useOperators, address) }
	e.operators.serve = e.admin.Serve
	e.challenge.hold, e.socket.hold, e.operators.hold = given.hold, given.hold, given.hold
	return e, nil
}

// nowhere is an address that no connection comes in at.
var nowhere = new(net.TCPAddr)

// open opens what cfg names, beside what is open. What cfg doesn't name itself,
// but has by default, may fail; but hosts must be validated somewhere.
func (e *entrances) open(cfg *config.Config, settings *proxy.Settings) error {
	return errors.Join(e.openChallenge(cfg.TLS.ACME, settings), e.openSocket(cfg.Admin), e.openOperators(cfg.Admin.Address))
}

func (e *entrances) openChallenge(acme *config.ACME, settings *proxy.Settings) error {
	if acme == nil {
		e.challenge.skip()
		return nil
	}
	err := e.challenge.open(acme.HTTP.Address)
	switch {
	case err == nil && acme.HTTP.Address != "":
		return nil
	case err != nil && (acme.HTTP.Written || acme.HTTPS.Address == ""):
		return fmt.Errorf("http_address: %w", err)
	case err != nil && e.challenge.addr() != nil:
		// Most likely it is itself what has the port, at an address that the
		// new one takes in: what is open stays.
		e.log.Warn("http_address can't be moved, it stays where it is", "address", e.challenge.addr().String(), "error", err)
		return nil
	case err != nil:
		e.log.Warn("http_address can't be opened, hosts are validated at https_address only", "address", acme.HTTP.Address, "error", err)
		e.challenge.skip()
	}
	// Now that one can't be done without.
	if i := slices.IndexFunc(settings.Listeners, func(l proxy.Listener) bool { return l.Optional }); i >= 0 {
		settings.Listeners[i].Optional = false
	}
	return nil
}

func (e *entrances) openSocket(block config.Admin) error {
	err := e.socket.open(block.Socket)
	if err != nil && block.Written {
		return err
	}
	if err != nil {
		e.log.Warn("admin socket can't be opened, commands can't reach this popgate", "socket", block.Socket, "error", err)
		e.socket.skip()
	}
	return nil
}

func (e *entrances) openOperators(address string) error {
	if address == "" {
		e.operators.skip()
		return nil
	}
	if err := e.operators.open(address); err != nil {
		return fmt.Errorf("admin address: %w", err)
	}
	return nil
}

// use brings in force what was opened, and says so.
func (e *entrances) use(access admin.Access) {
	before := e.challenge.addr()
	e.challenge.use()
	if at := e.challenge.addr(); at != nil && at != before {
		e.log.Info("answering HTTP-01 challenges", "address", at.String())
	}
	e.socket.use()
	before = e.operators.addr()
	e.operators.use()
	// Behind that, and for this door only: nobody who has come in by the one of
	// before gets what this one allows. Until then that one's rules hold for both.
	access.At = nowhere
	if at := e.operators.addr(); at != nil {
		access.At = at
	}
	e.admin.SetAccess(access)
	if at := e.operators.addr(); at != nil && at != before {
		e.log.Info("status page and metrics are served", "address", at.String())
	}
}

// forget undoes open.
func (e *entrances) forget() {
	e.challenge.forget()
	e.socket.forget()
	e.operators.forget()
}

// partingTime is for telling commands that wait for something that they wait in
// vain.
const partingTime = 2 * time.Second

// close closes them all.
func (e *entrances) close() {
	ctx, cancel := context.WithTimeout(context.Background(), partingTime)
	defer cancel()
	admin := func() error { return e.admin.Shutdown(ctx) }
	if err := errors.Join(e.challenge.close(e.answers.Close), e.socket.close(admin), e.operators.close(admin)); err != nil {
		e.log.Debug("not closed in order", "error", err)
	}
}

// retire closes them all, as another process answers there from now on. Who has come
// already is answered as ever, if only that a CA's challenge isn't known any more, as
// orders are called off.
func (e *entrances) retire() {
	if e.socket.current != nil {
		admin.Leave(e.socket.current)
	}
	if err := errors.Join(e.socket.shut(), e.operators.shut(), e.challenge.shut()); err != nil {
		e.log.Debug("not closed in order", "error", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), partingTime)
	e.admin.Retire(ctx)
	e.askers.Leave(ctx)
	cancel()
	e.close()
}
