//go:build !unix

package main

import "os"

// notifyUpgrades: there is no such signal here.
func notifyUpgrades(chan<- os.Signal) {}
