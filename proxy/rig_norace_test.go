//go:build !race

package proxy_test

// raceEnabled: the race detector makes everything ten times as long.
const raceEnabled = false
