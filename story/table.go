package story

import (
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"reprise.dev/reprise/internal/mask"
	"reprise.dev/reprise/internal/oneline"
)

// gap is what stands between two columns, as kubectl has it.
const gap = "   "

// column is one of a table.
type column struct {
	name string
	// least is how many columns of the terminal it keeps when the table is too wide; 0 never shrinks
	// it.
	least int
	// fair is what it should have; columns that give way at 2 or higher are left out before it gets
	// less.
	fair int
	// givesWay says how soon it is left out of a table that is too wide still: the highest first, 0
	// never.
	givesWay int
	// wide columns are shown only when asked for, and rare ones only where something is in them.
	wide, rare bool
}

// cell is one entry of a row.
type cell struct {
	text  string
	color color
}

// Table is rows under headings, aligned, without borders.
type Table struct {
	columns []column
	rows    [][]cell
	// shows says of each row whether it is written; nil writes all.
	shows func(row int) bool
}

// Only returns the table without some of its rows. The columns keep their widths.
func (t Table) Only(shows func(row int) bool) Table {
	t.shows = shows
	return t
}

// Write writes the table. On a terminal it is cut to the width, in a pipe it is not. With wide it
// has more columns.
func (t Table) Write(w io.Writer, look Terminal, wide, headings bool) error {
	t = t.clean()
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
	for i, row := range t.rows {
		if t.shows == nil || t.shows(i) {
			look.writeRow(&out, row, shown, widths)
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// clean returns the table with each cell on one line, without credentials.
func (t Table) clean() Table {
	rows := make([][]cell, len(t.rows))
	for i, row := range t.rows {
		for _, c := range row {
			rows[i] = append(rows[i], cell{text: mask.Line(c.text), color: c.color})
		}
	}
	t.rows = rows
	return t
}

// writeRow writes a row's cells, each cut and padded to its column.
func (l Terminal) writeRow(out *strings.Builder, row []cell, shown, widths []int) {
	line := ""
	for i, index := range shown {
		text := oneline.CutRunes(row[index].text, widths[i])
		line += l.paint(row[index].color, text) + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text)) + gap
	}
	out.WriteString(strings.TrimRight(line, " ") + "\n")
}

// choose returns which columns are shown: those for which there is room when each that may shrink
// has shrunk.
func (t Table) choose(width int, wide bool) []int {
	var shown []int
	for i, c := range t.columns {
		if (!c.wide || wide) && (!c.rare || t.filled(i)) {
			shown = append(shown, i)
		}
	}
	for width > 0 {
		first := -1
		for at, index := range shown {
			if way := t.columns[index].givesWay; way > 0 && (first < 0 || way > t.columns[shown[first]].givesWay) {
				first = at
			}
		}
		if first < 0 || t.shrunk(shown, t.columns[shown[first]].givesWay > 1) <= width {
			break
		}
		shown = append(shown[:first:first], shown[first+1:]...)
	}
	return shown
}

// filled reports whether something is in a column.
func (t Table) filled(index int) bool {
	return slices.ContainsFunc(t.rows, func(row []cell) bool { return row[index].text != "" })
}

// shrunk returns how wide a table is when each column that may shrink has shrunk, to what is fair
// or to the least.
func (t Table) shrunk(shown []int, fairly bool) int {
	total := len(gap) * (len(shown) - 1)
	for _, index := range shown {
		c, columns := t.columns[index], t.natural(index)
		switch {
		case fairly && c.fair > 0:
			columns = min(columns, c.fair)
		case c.least > 0:
			columns = min(columns, c.least)
		}
		total += columns
	}
	return total
}

// natural returns how wide a column would be.
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
