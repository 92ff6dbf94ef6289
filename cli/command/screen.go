package command

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// The sequences by which a terminal is steered (ECMA-48, and xterm's for lines that do not wrap).
const (
	noWrap    = "\x1b[?7l"
	wrap      = "\x1b[?7h"
	wipeBelow = "\r\x1b[J"
)

// screen is a part of a terminal that is drawn again and again in place.
type screen struct {
	out io.Writer
	// lines is how many are drawn.
	lines int
}

// draw replaces what was drawn before. What does not fit the terminal's height is counted.
func (s *screen) draw(text string) error {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if room := height(s.out) - 1; room > 1 && len(lines) > room {
		more := len(lines) - room + 1
		lines = append(lines[:room-1:room-1], fmt.Sprintf("… and %d more lines", more))
	}
	up := ""
	if s.lines > 0 {
		up = fmt.Sprintf("\x1b[%dA", s.lines)
	}
	s.lines = len(lines)
	_, err := io.WriteString(s.out, up+wipeBelow+noWrap+strings.Join(lines, "\n")+wrap+"\n")
	return err
}

// height is that of a terminal in lines, 0 where a writer is none.
func height(w io.Writer) int {
	file, isFile := w.(*os.File)
	if !isFile {
		return 0
	}
	_, lines, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0
	}
	return lines
}
