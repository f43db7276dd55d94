package main

import (
	"errors"
	"net"
	"net/http"
	"sync"

	"github.com/hashicorp/go-hclog"
)

// door is a listener beside those of mail clients. A reload moves it if its
// address has changed, and leaves it open otherwise: open, then use or forget.
type door struct {
	listen func(address string) (net.Listener, error)
	log    hclog.Logger
	// serve serves what comes through a listener until that is closed.
	serve func(net.Listener) error
	// hold holds the serving back until it is closed. Nil: nothing does.
	hold <-chan struct{}

	address string // in force; "" for none
	current net.Listener
	closed  chan struct{} // ends a wait for hold when current is closed
	pending net.Listener  // opened, not in use yet
	wanted  string        // the address to come
	serving sync.WaitGroup
}

// open opens address beside the one in force, if it is another. "" is none.
func (d *door) open(address string) error {
	d.wanted = address
	if address == d.address || address == "" {
		return nil
	}
	l, err := d.listen(address)
	if err != nil {
		d.wanted = d.address
		return err
	}
	d.pending = l
	return nil
}

// skip leaves the door closed from the next use on.
func (d *door) skip() { d.wanted = "" }

// use brings in force what open has opened.
func (d *door) use() {
	if d.wanted == d.address {
		return
	}
	if d.current != nil {
		close(d.closed)
		_ = d.current.Close()
	}
	d.address, d.current, d.pending = d.wanted, d.pending, nil
	if l := d.current; l != nil {
		d.closed = make(chan struct{})
		closed := d.closed
		d.serving.Go(func() {
			if d.hold != nil {
				select {
				case <-d.hold:
				case <-closed:
					return
				}
			}
			// One that was closed ends so.
			if err := d.serve(l); err != nil && !errors.Is(err, net.ErrClosed) && !errors.Is(err, http.ErrServerClosed) {
				d.log.Error("no connections are taken any more", "address", l.Addr().String(), "error", err)
			}
		})
	}
}

// forget undoes open.
func (d *door) forget() {
	if d.pending != nil {
		_ = d.pending.Close()
	}
	d.pending, d.wanted = nil, d.address
}

// close closes the door and waits until nobody is in it. stop ends what serve
// began.
func (d *door) close(stop func() error) error {
	return errors.Join(stop(), d.shut())
}

// shut closes the door for those who come from now on.
func (d *door) shut() error {
	var err error
	if d.current != nil {
		close(d.closed)
		if err = d.current.Close(); errors.Is(err, net.ErrClosed) {
			err = nil
		}
	}
	d.serving.Wait()
	d.address, d.current = "", nil
	return err
}

// addr is where the door is; nil: it is closed.
func (d *door) addr() net.Addr {
	if d.current == nil {
		return nil
	}
	return d.current.Addr()
}
