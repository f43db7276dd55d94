package main

import (
	"fmt"
	"time"
)

// span is a duration in a few characters: 42s, 3m05s, 2h07m, 12d03h.
func span(d time.Duration) string {
	d = max(0, d).Truncate(time.Second)
	hours, minutes, seconds := int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", seconds)
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", minutes, seconds)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%02dm", hours, minutes)
	}
	return fmt.Sprintf("%dd%02dh", hours/24, hours%24)
}

// octets is a number of octets in a few characters: 512, 1.5K, 20M. K is 1,024.
func octets[N int64 | uint64](n N) string {
	if n < 1024 {
		return fmt.Sprint(n)
	}
	size, unit := float64(n)/1024, 0
	for size >= 1000 && unit < 4 {
		size, unit = size/1024, unit+1
	}
	format := "%.1f%c"
	if size >= 9.95 {
		format = "%.0f%c"
	}
	return fmt.Sprintf(format, size, "KMGTP"[unit])
}
