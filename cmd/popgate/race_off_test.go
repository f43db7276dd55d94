//go:build !race

package main

// raceEnabled: neither the tests nor the program under test have the race
// detector.
const raceEnabled = false
