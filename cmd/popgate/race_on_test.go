//go:build race

package main

// raceEnabled: the program under test has the race detector, as the tests have.
const raceEnabled = true
