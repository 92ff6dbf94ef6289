package diff

import (
	"fmt"
	"strings"

	"reprise.dev/reprise/internal/oneline"
)

// cut shortens a text to about limit bytes, at a rune boundary, and says how long it was.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return fmt.Sprintf("%s… (%d bytes)", oneline.Prefix(text, limit), len(text))
}

// splitLines splits a text after each newline, as a file's lines are counted.
func splitLines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
}

// escapedLine returns text on one line, with what cannot be seen as an escape.
func escapedLine(text string) string {
	return oneline.Escape(strings.Join(strings.Fields(text), " "))
}
