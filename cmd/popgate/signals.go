package main

import (
	"os"
	"os/signal"
	"syscall"
)

// signals are those that the running program obeys. Each has a channel of its
// own: many SIGHUPs must not push the one out that ends it.
type signals struct {
	reloads, upgrades, ends chan os.Signal
}

// hangUp makes a popgate read its configuration again.
const hangUp = syscall.SIGHUP

// listenForSignals catches signals until stop, which should begin early: one that
// isn't caught ends the program.
func listenForSignals() *signals {
	s := &signals{reloads: make(chan os.Signal, 1), upgrades: make(chan os.Signal, 1), ends: make(chan os.Signal, 2)}
	signal.Notify(s.reloads, hangUp)
	signal.Notify(s.ends, syscall.SIGTERM, syscall.SIGINT)
	notifyUpgrades(s.upgrades)
	return s
}

func (s *signals) stop() {
	signal.Stop(s.reloads)
	signal.Stop(s.ends)
	signal.Stop(s.upgrades)
}
