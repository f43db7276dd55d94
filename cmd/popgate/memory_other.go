//go:build !unix

package main

// memoryLimit knows of no limit here.
func memoryLimit() uint64 { return 0 }
