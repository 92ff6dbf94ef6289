package story

import (
	"io"
	"strings"
	"unicode/utf8"
)

// gap is what stands between two columns, as kubectl has it.
const gap = "   "

// column is one of a table.
type column struct {
	name string
	// least is how many columns of the terminal it keeps when the table is too wide; 0 never shrinks it.
	least int
	// givesWay says how soon it is left out of a table that is too wide still: the highest first, 0 never.
	givesWay int
	// wide columns are shown only when asked for.
	wide bool
}

// cell is one entry of a row.
type cell struct {
	text   string
	colour colour
}

// Table is rows under headings, aligned, without borders.
type Table struct {
	columns []column
	rows    [][]cell
}

// Write writes the table: in a pipe as wide as it is, on a terminal cut to its width. wide adds columns.
func (t Table) Write(w io.Writer, look Look, wide, headings bool) error {
	shown := t.choose(look.Width, wide)
	widths := t.fit(shown, look.Width)
	var out strings.Builder
	if headings {
		var head []cell
		for _, c := range t.columns {
			head = append(head, cell{text: c.name})
		}
		look.writeRow(&out, head, shown, widths)
	}
	for _, row := range t.rows {
		look.writeRow(&out, row, shown, widths)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// writeRow writes a row's cells, each cut and padded to its column.
func (l Look) writeRow(out *strings.Builder, row []cell, shown, widths []int) {
	line := ""
	for i, index := range shown {
		text := cut(row[index].text, widths[i])
		line += l.paint(row[index].colour, text) + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text)) + gap
	}
	out.WriteString(strings.TrimRight(line, " ") + "\n")
}

// choose says which columns are shown: those that fit, when each that may shrink has shrunk.
func (t Table) choose(width int, wide bool) []int {
	var shown []int
	for i, c := range t.columns {
		if !c.wide || wide {
			shown = append(shown, i)
		}
	}
	for width > 0 {
		total, first := 0, -1
		for at, index := range shown {
			c := t.columns[index]
			total += len(gap) + t.natural(index)
			if c.least > 0 {
				total += min(c.least-t.natural(index), 0)
			}
			if c.givesWay > 0 && (first < 0 || c.givesWay > t.columns[shown[first]].givesWay) {
				first = at
			}
		}
		if total-len(gap) <= width || first < 0 {
			break
		}
		shown = append(shown[:first:first], shown[first+1:]...)
	}
	return shown
}

// natural is how wide a column would be.
func (t Table) natural(index int) int {
	widest := utf8.RuneCountInString(t.columns[index].name)
	for _, row := range t.rows {
		widest = max(widest, utf8.RuneCountInString(row[index].text))
	}
	return widest
}

// fit shrinks the widest columns that may shrink until the table fits.
func (t Table) fit(shown []int, width int) []int {
	widths := make([]int, len(shown))
	total := len(gap) * (len(shown) - 1)
	for i, index := range shown {
		widths[i] = t.natural(index)
		total += widths[i]
	}
	for width > 0 && total > width {
		widest := -1
		for i, index := range shown {
			least := t.columns[index].least
			if least > 0 && widths[i] > least && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
		total--
	}
	return widths
}
