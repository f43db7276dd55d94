package config

import (
	"fmt"
	"strings"
)

// nearest returns the known name that given was probably meant to be, or "". Of
// equally near ones the first counts.
func nearest(given string, known []string) string {
	best, limit := "", max(1, len(given)/3)+1
	for _, name := range known {
		if d := distance(given, name); d < limit {
			best, limit = name, d
		}
	}
	return best
}

// didYouMean is the sentence to add to a message about an unknown name, or "".
func didYouMean(given string, known []string) string {
	if name := nearest(given, known); name != "" {
		return fmt.Sprintf(" Did you mean %q?", name)
	}
	return ""
}

// oneOf lists the texts of which one is to be written.
func oneOf(list []string) string {
	if len(list) == 1 {
		return quoted(list)
	}
	return "one of " + quoted(list)
}

// quoted lists texts as they are written in a file.
func quoted(list []string) string {
	q := make([]string, len(list))
	for i, s := range list {
		q[i] = fmt.Sprintf("%q", s)
	}
	return strings.Join(q, ", ")
}

// distance is the number of letters to insert, drop, replace or swap with their
// neighbour in order to make b of a, ASCII case folded.
func distance(a, b string) int {
	a, b = lower(a), lower(b)
	before := make([]int, len(b)+1) // the row above the last one
	last := make([]int, len(b)+1)
	row := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// lower folds ASCII case only: strings.ToLower maps letters of other alphabets
// onto ASCII ones (the Kelvin sign onto k).
func lower(s string) string {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			b := []byte(s)
			for j := i; j < len(b); j++ {
				if 'A' <= b[j] && b[j] <= 'Z' {
					b[j] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}
