package story

import (
	"strings"
	"unicode/utf8"

	"reprise.dev/reprise/api/v1alpha1"
)

// Terminal is what a page is printed on.
type Terminal struct {
	// Width is the terminal's in columns; 0 is no terminal, where nothing is cut or folded.
	Width int
	// Color marks by ANSI colors what is well and what is not.
	Color bool
}

// color is an ANSI escape; the empty one is none.
type color string

const (
	red    color = "\x1b[31m"
	green  color = "\x1b[32m"
	yellow color = "\x1b[33m"
	bold   color = "\x1b[1m"
	faint  color = "\x1b[2m"
	reset        = "\x1b[0m"
)

// paint colors a text, where colors are wanted.
func (l Terminal) paint(c color, text string) string {
	if !l.Color || c == "" || text == "" {
		return text
	}
	return string(c) + text + reset
}

// ofPhase returns a phase's color.
func ofPhase(p string) color {
	switch v1alpha1.Phase(p) {
	case v1alpha1.PhaseHealthy:
		return green
	case v1alpha1.PhaseFailed, v1alpha1.PhaseRolledBack:
		return red
	case v1alpha1.PhaseProgressing:
		return yellow
	default:
		return ""
	}
}

// fold breaks a text between words into lines that are indented alike and fit the width.
func (l Terminal) fold(indent, text string) string {
	words := strings.Fields(text)
	var out strings.Builder
	line := indent
	for i, word := range words {
		if i > 0 && l.Width > 0 && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > l.Width {
			out.WriteString(line + "\n")
			line = indent + word
			continue
		}
		if i > 0 {
			line += " "
		}
		line += word
	}
	return out.String() + line + "\n"
}
