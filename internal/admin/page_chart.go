package admin

import (
	"cmp"
	"fmt"
	"math"
	"time"
)

// The chart's own units: a minute is 10 wide, and the highest bar as high as the
// chart. A browser stretches it into its box.
const (
	chartMinutes = 60
	chartSlot    = 10
	chartBar     = 8
	chartHeight  = 1000
	chartLeast   = 20 // of what isn't zero: a single error must be seen beside 10,000 logins
)

// loginChart is what became of the logins of the last hour.
type loginChart struct {
	Width, Height int
	Bars          []chartColumn
	Top           uint64 // what the chart's height stands for
	Most          uint64 // logins in a minute
	MostAt        string // when that was; "": never
	LoginMinute          // the sums
}

// Total is how many logins there were.
func (c loginChart) Total() uint64 { return c.OK + c.Refused + c.Error }

// chartColumn is a minute: three parts, one upon the other.
type chartColumn struct {
	X, Width int
	Text     string
	Parts    []chartPart
}

// chartPart is a part of a column, from its upper end.
type chartPart struct {
	Kind      string // "ok", "refused" or "error"
	Y, Height int
}

// newLoginChart draws the minutes that end with now's.
func newLoginChart(minutes []LoginMinute, now time.Time) loginChart {
	c := loginChart{Width: chartMinutes * chartSlot, Height: chartHeight}
	slots := make(map[int]LoginMinute)
	for _, m := range minutes {
		slot := chartMinutes - 1 - int(now.Truncate(time.Minute).Sub(m.Start.Truncate(time.Minute))/time.Minute)
		if slot < 0 || slot >= chartMinutes {
			continue
		}
		slots[slot] = m
		c.OK, c.Refused, c.Error = c.OK+m.OK, c.Refused+m.Refused, c.Error+m.Error
		if sum := m.OK + m.Refused + m.Error; sum > c.Most {
			c.Most, c.MostAt = sum, clock(m.Start)
		}
	}
	c.Top = roundUp(c.Most)
	for slot := range chartMinutes {
		if m := slots[slot]; m.OK+m.Refused+m.Error > 0 {
			c.Bars = append(c.Bars, c.column(slot, m))
		}
	}
	return c
}

// column stacks a minute. What is drawn higher than it is is taken from the
// largest part, so that nothing leaves the chart.
func (c loginChart) column(slot int, m LoginMinute) chartColumn {
	column := chartColumn{X: slot*chartSlot + (chartSlot-chartBar)/2, Width: chartBar,
		Text: fmt.Sprintf("%s: %s ok, %s refused, %s errors", clock(m.Start), count(m.OK), count(m.Refused), count(m.Error))}
	heights := [...]int{c.high(m.OK), c.high(m.Refused), c.high(m.Error)}
	largest, sum := 0, 0
	for i, h := range heights {
		sum += h
		if h > heights[largest] {
			largest = i
		}
	}
	heights[largest] -= max(0, sum-chartHeight)
	y := chartHeight
	for i, kind := range [...]string{"ok", "refused", "error"} {
		if heights[i] > 0 {
			y -= heights[i]
			column.Parts = append(column.Parts, chartPart{Kind: kind, Y: y, Height: heights[i]})
		}
	}
	return column
}

// high is how high a number is drawn.
func (c loginChart) high(n uint64) int {
	if n == 0 {
		return 0
	}
	return max(chartLeast, int(math.Round(float64(n)/float64(c.Top)*chartHeight)))
}

// roundUp returns the next of 1, 2, 5, 10, 20, 50 and so on.
func roundUp(n uint64) uint64 {
	for power := uint64(1); power <= math.MaxUint64/100; power *= 10 {
		for _, step := range []uint64{1, 2, 5} {
			if n <= step*power {
				return step * power
			}
		}
	}
	return cmp.Or(n, 1)
}

// clock is a minute, in UTC.
func clock(t time.Time) string { return t.UTC().Format("15:04") }
