// Package tables says what a bench has measured, as docs/performance.md has it.
package tables

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Percentile is the value below which the share p of the sorted times lies.
func Percentile(sorted []time.Duration, p float64) time.Duration {
	return sorted[min(len(sorted)-1, int(float64(len(sorted))*p))]
}

// Milliseconds is a time as a table has it.
func Milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f", float64(d)/float64(time.Millisecond))
}

// Lines prints lines of a table.
func Lines(out io.Writer, lines ...string) { fmt.Fprintln(out, strings.Join(lines, "\n")) }
