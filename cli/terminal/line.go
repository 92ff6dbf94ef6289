package terminal

import (
	"fmt"
	"io"
	"time"

	"reprise.dev/reprise/internal/mask"
	"reprise.dev/reprise/internal/oneline"
)

// quiet is how long a wait shows nothing.
const quiet = time.Second

// spinner turns while something is waited for.
var spinner = []string{"|", "/", "-", `\`}

// Line is the last line of a terminal, which says what is waited for. On a writer that is not a
// terminal it shows nothing.
type Line struct {
	out   io.Writer
	width int
	since time.Time
	shown int
}

// NewLine returns a line of a wait that began at a time.
func NewLine(out io.Writer, since time.Time) *Line {
	line := &Line{out: out, since: since}
	if DrawsInPlace(out) {
		line.width = Width(out)
	}
	return line
}

// Show replaces the line by what is waited for, and how long.
func (l *Line) Show(message string, now time.Time) {
	waited := now.Sub(l.since)
	if l.width == 0 || waited < quiet {
		return
	}
	text := fmt.Sprintf("%s %s (%s)", spinner[l.shown%len(spinner)], mask.Line(message), waited.Round(time.Second))
	fmt.Fprint(l.out, eraseLine, oneline.CutRunes(text, l.width-1))
	l.shown++
}

// Clear removes the line.
func (l *Line) Clear() {
	if l.shown > 0 {
		fmt.Fprint(l.out, eraseLine)
	}
}
