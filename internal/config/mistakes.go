package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Mistakes is all that is wrong with a configuration, each mistake with its line, in the order of the lines.
type Mistakes []string

// Error joins them into one line.
func (m Mistakes) Error() string { return strings.Join(m, "; ") }

type mistake struct {
	line int
	text string
}

func (r *reader) mistake(line int, format string, args ...any) {
	r.mistakes = append(r.mistakes, mistake{line, fmt.Sprintf(format, args...)})
}

// result is nil where there is no mistake.
func (r *reader) result() error {
	if len(r.mistakes) == 0 {
		return nil
	}
	slices.SortStableFunc(r.mistakes, func(a, b mistake) int { return cmp.Compare(a.line, b.line) })
	all := make(Mistakes, len(r.mistakes))
	for i, m := range r.mistakes {
		all[i] = fmt.Sprintf("line %d: %s", m.line, m.text)
	}
	return all
}

// lineOf is the line of a path, else that of the nearest one around it.
func (r *reader) lineOf(path string) int {
	for path != "" {
		if line, ok := r.lines[path]; ok {
			return line
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return 1
}
