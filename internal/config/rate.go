package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// mostRate is the largest number of a rate.
const mostRate = 1_000_000

// rateUnits are what may stand behind the slash of a rate.
var rateUnits = map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}

// parseRate reads a rate, "off" among them. Whether it is within its bounds isn't
// checked, but for what an int can hold.
func parseRate(s string) (r Rate, ok bool) {
	if s == off {
		return Rate{}, true
	}
	count, unit, _ := strings.Cut(s, "/")
	n, err := strconv.Atoi(count)
	per := rateUnits[unit]
	if err != nil || per == 0 || strconv.Itoa(n) != count {
		return Rate{}, false
	}
	return Rate{n, per}, true
}

// text is r as it stands in quotes: "60/m", or "off".
func (r Rate) text() string {
	for unit, per := range rateUnits {
		if r.Per == per && r.Count > 0 {
			return fmt.Sprintf("%d/%s", r.Count, unit)
		}
	}
	return off
}

// rate checks how often something may happen: its unit and its bounds.
func (l *loader) rate(w *word, v *value, given string) bool {
	if lower(given) == off && given != off {
		l.fail(v.at, "Unknown value here", "%s can't be %q. Did you mean %q?", w.name, given, off)
		return false
	}
	if _, err := strconv.ParseFloat(given, 64); err == nil {
		l.fail(v.at, "Missing rate unit", "%s needs a unit: write %q for so many a minute or %q for so many an hour, in quotes.", w.name, given+"/m", given+"/h")
		return false
	}
	r, ok := parseRate(given)
	if !ok {
		l.fail(v.at, "Invalid rate value", "%q is not a rate: write a whole number, a slash, and \"s\", \"m\" or \"h\" for the second, minute or hour, as in %s; or %q for no limit.", given, w.like, off)
		return false
	}
	if given != off && (r.Count < 1 || r.Count > mostRate) {
		l.fail(v.at, "Unreasonable rate here", "%s is a rate that makes sense: write a number between 1 and %d before the slash, or %q for no limit.", w.name, mostRate, off)
		return false
	}
	v.rate = r
	return true
}
