package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// table shows rows of cells to people.
type table struct {
	rows [][]string // the first has the heads
}

func newTable(heads ...string) *table { return &table{rows: [][]string{heads}} }

// add adds a row. Each cell is made fit for a line, and none is empty: that could
// not be seen.
func (t *table) add(cells ...string) {
	for i, cell := range cells {
		if cells[i] = oneLine(cell, maxErrorCell); cell == "" {
			cells[i] = "-"
		}
	}
	t.rows = append(t.rows, cells)
}

// columnGap is between two columns, and least is how narrow a column may become,
// both in characters.
const (
	columnGap   = 2
	leastColumn = 8
)

// lines lays the table out for a terminal of width characters; 0: of any width.
// The widest columns give way, but for the first one, which names the row. In a
// terminal that is too narrow even so, lines are longer than it.
func (t *table) lines(width int) []string {
	widths := make([]int, len(t.rows[0]))
	total := columnGap * (len(widths) - 1)
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, w := range widths {
		total += w
	}
	for ; width > 0 && total > width; total-- {
		i := t.widest(widths)
		if i < 0 {
			break
		}
		widths[i]--
	}
	var all []string
	for _, row := range t.rows {
		var line strings.Builder
		for i, cell := range row {
			cell = oneLine(cell, widths[i])
			line.WriteString(cell)
			if i < len(row)-1 {
				line.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+columnGap))
			}
		}
		all = append(all, line.String())
	}
	return all
}

// widest is the widest column that can become narrower; -1: none can.
func (t *table) widest(widths []int) int {
	found := -1
	for i := 1; i < len(widths); i++ {
		if w := widths[i]; w > max(leastColumn, utf8.RuneCountInString(t.rows[0][i])) && (found < 0 || w > widths[found]) {
			found = i
		}
	}
	return found
}

// write writes the table to w, as wide as w is if that is a terminal.
func (t *table) write(w io.Writer) error {
	_, err := io.WriteString(w, strings.Join(t.lines(terminalWidth(w)), "\n")+"\n")
	return err
}

// terminalWidth is the width of the terminal that w is, in characters; 0: it is
// none.
func terminalWidth(w io.Writer) int {
	width, _ := terminalSize(w)
	return width
}

// terminalSize is the size of the terminal that w is, in characters; 0, 0: it is
// none.
func terminalSize(w io.Writer) (width, height int) {
	file, ok := w.(*os.File)
	if !ok {
		return 0, 0
	}
	width, height, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0, 0
	}
	return width, height
}

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
