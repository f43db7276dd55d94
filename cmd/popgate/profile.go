//go:build profile

package main

import (
	"log"
	"os"
	"runtime/pprof"
)

// startProfile writes a CPU profile of `popgate serve` to the file that
// POPGATE_CPUPROFILE names. Only builds with the tag "profile" can: they make
// default.pgo (bench/README.md), and are not for production.
func startProfile() (stop func()) {
	if len(os.Args) < 2 || os.Args[1] != "serve" {
		return func() {}
	}
	f, err := os.Create(os.Getenv("POPGATE_CPUPROFILE"))
	if err != nil {
		log.Fatal(err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		log.Fatal(err)
	}
	return func() {
		pprof.StopCPUProfile()
		if err := f.Close(); err != nil {
			log.Print(err)
		}
	}
}
