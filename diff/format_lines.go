package diff

import "fmt"

// Lines renders a change a line, as it is kept to be shown later: at most so many lines and bytes,
// and how many more there are.
func (c Changes) Lines(most, bytes int) []string {
	var lines []string
	size := 0
	for i, change := range c {
		line := change.String()
		if size += len(line); len(lines) == most || size > bytes {
			return append(lines, fmt.Sprintf("%d more changes", len(c)-i))
		}
		lines = append(lines, line)
	}
	return lines
}
