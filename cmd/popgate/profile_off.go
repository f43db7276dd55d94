//go:build !profile

package main

// startProfile does nothing in a build for use; see profile.go.
func startProfile() (stop func()) { return func() {} }
