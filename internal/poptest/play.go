package poptest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// Stage is what a script is played on.
type Stage struct {
	// Connect returns a fresh raw connection of a client. It must have
	// CloseWrite and Reset, as a Conn has.
	Connect func() net.Conn
	// TLS is the client's configuration; nil if no script uses TLS.
	TLS *tls.Config
	// Backends are the servers that the proxy may connect to, by the name
	// that <connect> uses. They must be without a serve function.
	Backends map[string]*Backend
	// Patience is how long, in virtual time, each step waits for what it
	// expects. 0: one hour.
	Patience time.Duration
}

// Play plays s and reports the first thing that goes otherwise as an error of
// tb, with its line. It must be called in a synctest bubble in which the proxy
// and the stage live, and no other goroutine may call synctest.Wait meanwhile.
// At the end the clients' and the backends' connections are closed.
func Play(tb testing.TB, s *Script, stage Stage) {
	tb.Helper()
	if stage.Patience == 0 {
		stage.Patience = time.Hour
	}
	p := &player{stage: stage, peers: map[int]*peer{}}
	defer p.close()
	for i, st := range s.steps {
		p.next = step{}
		if i+1 < len(s.steps) {
			p.next = s.steps[i+1]
		}
		err := p.do(st)
		p.before = st
		if err != nil {
			tb.Errorf("%s:%d: %s\n\t%v%s", s.File, st.line, st.text, err, p.state())
			return
		}
	}
	if err := p.finish(); err != nil {
		tb.Errorf("%s: at the end of session %q: %v%s", s.File, s.Name, err, p.state())
	}
}

// player is a script under way.
type player struct {
	stage Stage
	peers map[int]*peer
	taken []*BackendConn
	last  *peer // whose step came last

	before, next step // the steps around the current one, if there are any
}

// do does one step.
func (p *player) do(s step) error {
	switch s.side {
	case pause:
		<-time.After(s.span)
		return nil
	case client, server:
		c, err := p.peer(s)
		if err != nil {
			return err
		}
		if s.side == server {
			return p.expect(s, c.in, c)
		}
		return p.clientStep(s, c)
	}
	switch s.event {
	case "connect":
		return p.takeConnection(s)
	case "none", "no bytes":
		return p.untouched(s.event)
	}
	b, err := p.backend(s.num)
	if err != nil {
		return err
	}
	if s.side == proxy {
		return p.expect(s, b.in, p.last)
	}
	return p.send(s, b)
}

// peer returns the client of a step, which connects when it first appears.
func (p *player) peer(s step) (*peer, error) {
	n := max(s.num, 1)
	if c := p.peers[n]; c != nil {
		if s.event == "connect" {
			return nil, errors.New("this client is connected already")
		}
		return c, nil
	}
	conn := p.stage.Connect()
	if conn == nil {
		return nil, errors.New("the stage gave no connection")
	}
	c := newPeer(conn)
	p.peers[n], p.last = c, c
	return c, nil
}

// backend returns the n-th connection to a backend, for 0 the latest.
func (p *player) backend(n int) (*BackendConn, error) {
	if n == 0 {
		n = len(p.taken)
	}
	if n == 0 || n > len(p.taken) {
		return nil, errors.New("there is no such connection to a backend; P: <connect> must come before")
	}
	return p.taken[n-1], nil
}

// takeConnection waits for a new connection to a backend.
func (p *player) takeConnection(s step) error {
	names := s.args
	if len(names) == 0 {
		names = p.backends()
	}
	if len(names) != 1 {
		return errors.New("which backend? the stage has several")
	}
	b := p.stage.Backends[names[0]]
	if b == nil {
		return fmt.Errorf("the stage has no backend %s", names[0])
	}
	c := b.take(p.stage.Patience)
	if c == nil {
		return fmt.Errorf("no connection within %v", p.stage.Patience)
	}
	p.taken = append(p.taken, c)
	return s.inTime(c.since, p.last)
}

// clientStep sends a line or does an event of the client.
func (p *player) clientStep(s step, c *peer) error {
	switch s.event {
	case "connect":
		return nil // it is, since it was looked up
	case "tls":
		return p.startTLS(s, c)
	}
	err := p.send(s, c.conn())
	c.last, p.last = time.Now(), c
	return err
}

func (p *player) startTLS(s step, c *peer) error {
	if p.stage.TLS == nil {
		return errors.New("the stage has no TLS configuration")
	}
	if err := p.settle(s); err != nil {
		return err
	}
	if err := c.startTLS(configure(p.stage.TLS, s.args), p.stage.Patience); err != nil {
		return err
	}
	c.last, p.last = time.Now(), c
	if c.handshake != nil && !(p.next.side == server && p.next.num == s.num && slices.Contains(ends, p.next.event)) {
		return fmt.Errorf("handshake failed: %w", c.handshake)
	}
	return nil
}

// send writes a step's bytes, or ends the connection in a step's way.
func (p *player) send(s step, conn net.Conn) error {
	if err := p.settle(s); err != nil {
		return err
	}
	var err error
	switch s.event {
	case "":
		conn.SetWriteDeadline(time.Now().Add(p.stage.Patience))
		_, err = conn.Write(s.data)
	case "close_notify":
		t, ok := conn.(*tls.Conn)
		if !ok {
			return errors.New("there is no TLS")
		}
		err = t.CloseWrite()
	case "fin":
		err = FIN(bottom(conn))
	case "rst":
		err = RST(bottom(conn))
	case "close":
		err = bottom(conn).Close()
	}
	if s.may {
		return nil
	}
	return err
}

// bottom is the raw connection beneath conn.
func bottom(conn net.Conn) net.Conn {
	switch c := conn.(type) {
	case *tls.Conn:
		return bottom(c.NetConn())
	case *tap:
		return c.Conn
	case *BackendConn:
		return c.Conn
	}
	return conn
}

// settle lets everything come to rest before a send; at the first of a group
// nothing may be left unread then.
func (p *player) settle(s step) error {
	if s.force {
		return nil
	}
	synctest.Wait()
	if p.before.side == s.side && p.before.num == s.num && p.before.event != "connect" {
		return nil
	}
	return p.leftover()
}

// close ends all connections of clients and backends.
func (p *player) close() {
	for _, c := range p.peers {
		c.tap.Close()
		c.in.finish()
	}
	for _, b := range p.stage.Backends {
		b.hangUp()
	}
}
