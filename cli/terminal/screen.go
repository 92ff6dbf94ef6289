package terminal

import (
	"fmt"
	"io"
	"strings"
)

// The sequences that control a terminal (ECMA-48, and xterm's for lines that do not wrap).
const (
	noWrap    = "\x1b[?7l"
	wrap      = "\x1b[?7h"
	eraseDown = "\r\x1b[J"
	eraseLine = "\r\x1b[K"
)

// Screen is a part of a terminal that is drawn again and again in place.
type Screen struct {
	out io.Writer
	// lines is how many are drawn.
	lines int
}

// NewScreen returns a screen that nothing is drawn on.
func NewScreen(out io.Writer) *Screen { return &Screen{out: out} }

// Draw replaces what was drawn before. Lines that do not fit the terminal's height are counted.
func (s *Screen) Draw(text string) error {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	_, height := size(s.out)
	if room := height - 1; room > 1 && len(lines) > room {
		more := len(lines) - room + 1
		lines = append(lines[:room-1:room-1], fmt.Sprintf("… and %d more lines", more))
	}
	up := ""
	if s.lines > 0 {
		up = fmt.Sprintf("\x1b[%dA", s.lines)
	}
	s.lines = len(lines)
	_, err := io.WriteString(s.out, up+eraseDown+noWrap+strings.Join(lines, "\n")+wrap+"\n")
	return err
}
