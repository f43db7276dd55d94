//go:build !unix

package main

import "os"

// notifyResize can't tell of new sizes here: they are seen at the next picture.
func notifyResize(chan<- os.Signal) {}

func stopResize(chan<- os.Signal) {}
