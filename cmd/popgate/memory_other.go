//go:build !unix

package main

// segmentMemory knows of no limit here.
func segmentMemory() uint64 { return 0 }
