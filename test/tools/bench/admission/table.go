package main

import (
	"fmt"
	"io"
	"time"
)

// print prints the rows, each of Reprise's with its multiple of the hook that does nothing just
// before it.
func print(out io.Writer, s sizes, rows []row) {
	fmt.Fprintf(out, "\n%d dry-run creates of a Deployment with 3 containers × 10 variables:\n\n", s.creates)
	fmt.Fprintln(out, "| hook | at once | CPU ms per admission | × nothing | p50 ms | p99 ms | p50 × no hook |")
	fmt.Fprintln(out, "|---|--:|--:|--:|--:|--:|--:|")
	var bare, nothing row
	for _, r := range rows {
		cpu, times := "", ""
		switch r.hook {
		case bareName:
			bare = r
		case nothingName:
			nothing = r
			cpu = ms(r.cpu)
		default:
			cpu, times = ms(r.cpu), fmt.Sprintf("%.2f", float64(r.cpu)/float64(nothing.cpu))
		}
		p50 := percentile(r.took, 0.5)
		fmt.Fprintf(out, "| %s | %d | %s | %s | %s | %s | %.2f |\n", r.hook, r.concurrency, cpu, times, ms(p50), ms(percentile(r.took, 0.99)),
			float64(p50)/float64(percentile(bare.took, 0.5)))
	}
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d)/float64(time.Millisecond)) }

// percentile is one of the times, which are sorted.
func percentile(sorted []time.Duration, p float64) time.Duration {
	return sorted[min(len(sorted)-1, int(float64(len(sorted))*p))]
}
