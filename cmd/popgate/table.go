package main

import (
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// table shows rows of cells to people. Without a terminal it is as wide as its
// cells are. In one it gives way: what is long goes beneath its row, columns that
// can be done without go, and texts that may be cut are cut. Whatever isn't named
// in beneath, spare and cut stays whole.
type table struct {
	rows [][]string // the first has the heads

	beneath []string // heads of columns that move beneath their rows, in this order
	spare   []string // heads of columns to leave out, in this order
	cut     []string // heads of columns whose texts may be cut
}

func newTable(heads ...string) *table { return &table{rows: [][]string{heads}} }

// add adds a row. Each cell is made fit for a line, and none is empty: that could
// not be seen.
func (t *table) add(cells ...string) {
	for i, cell := range cells {
		if cells[i] = oneLine(cell, utf8.RuneCountInString(cell)); cell == "" {
			cells[i] = "-"
		}
	}
	t.rows = append(t.rows, cells)
}

// columnGap is between two columns, and leastColumn is how narrow a column may
// become, both in characters.
const (
	columnGap   = 2
	leastColumn = 8
)

// layout is a table made for a width.
type layout struct {
	*table
	shown  []int // columns, in order
	below  []int // those beneath the row
	widths []int // of all columns
}

// lines lays the table out for a terminal of width characters; 0: of any width.
// In a terminal that is too narrow even so, lines are longer than it.
func (t *table) lines(width int) []string {
	l := &layout{table: t, widths: make([]int, len(t.rows[0]))}
	for i := range l.widths {
		l.shown = append(l.shown, i)
		for _, row := range t.rows {
			l.widths[i] = max(l.widths[i], utf8.RuneCountInString(row[i]))
		}
	}
	if width > 0 {
		l.fit(width)
	}
	var all []string
	for i, row := range t.rows {
		all = append(all, l.line(row))
		for _, column := range l.below {
			if i > 0 && row[column] != "-" {
				all = append(all, wrapped(row[column], width)...)
			}
		}
	}
	return all
}

// fit makes the table as narrow as it has to be.
func (l *layout) fit(width int) {
	for _, head := range l.beneath {
		if l.total() > width {
			l.below = append(l.below, l.leaveOut(head)...)
		}
	}
	for _, head := range l.spare {
		if l.total() > width {
			l.leaveOut(head)
		}
	}
	for l.total() > width {
		widest := l.widest()
		if widest < 0 {
			return
		}
		l.widths[widest]--
	}
}

func (l *layout) total() int {
	sum := columnGap * (len(l.shown) - 1)
	for _, i := range l.shown {
		sum += l.widths[i]
	}
	return sum
}

// leaveOut takes a column out of the rows, and returns it, if it was there.
func (l *layout) leaveOut(head string) (gone []int) {
	l.shown = slices.DeleteFunc(l.shown, func(i int) bool {
		if l.rows[0][i] == head {
			gone = append(gone, i)
			return true
		}
		return false
	})
	return gone
}

// widest is the widest column that can be cut further; -1: none can.
func (l *layout) widest() int {
	found := -1
	for _, i := range l.shown {
		head := l.rows[0][i]
		if slices.Contains(l.cut, head) && l.widths[i] > max(leastColumn, utf8.RuneCountInString(head)) &&
			(found < 0 || l.widths[i] > l.widths[found]) {
			found = i
		}
	}
	return found
}

// line is a row without what stands beneath it.
func (l *layout) line(row []string) string {
	var line strings.Builder
	for n, i := range l.shown {
		cell := oneLine(row[i], l.widths[i])
		line.WriteString(cell)
		if n < len(l.shown)-1 {
			line.WriteString(strings.Repeat(" ", l.widths[i]-utf8.RuneCountInString(cell)+columnGap))
		}
	}
	return line.String()
}

// beneathIndent is before what stands beneath a row.
const beneathIndent = "  "

// wrapped breaks a text between words into lines of width characters at most; a
// longer word has a line of its own.
func wrapped(text string, width int) (lines []string) {
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = beneathIndent + word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width:
			line += " " + word
		default:
			lines, line = append(lines, line), beneathIndent+word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// write writes the table to w, as wide as w is if that is a terminal.
func (t *table) write(w io.Writer) error { return writeLines(w, t.lines(terminalWidth(w))) }

// writeOrNone writes the table, or that there is nothing to show.
func (t *table) writeOrNone(w io.Writer) error {
	if len(t.rows) == 1 {
		return writeLines(w, []string{"none"})
	}
	return t.write(w)
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
