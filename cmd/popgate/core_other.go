//go:build !linux

package main

// forbidCores does nothing here: on systems but Linux core dumps are for the
// operator to turn off.
func forbidCores() error { return nil }
