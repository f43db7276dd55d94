//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// notifyUpgrades catches what wants an upgrade.
func notifyUpgrades(c chan<- os.Signal) { signal.Notify(c, syscall.SIGUSR2) }
