package gobuild

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	// pace is how many bytes of Go files a core compiles in a second: README.md has the figures.
	pace = 100_000
	// linking is what it takes to link a command, in bytes of Go files that are compiled in the same
	// time.
	linking = 12 * pace
	// trusted is how much work has to be done before its speed counts as much as pace does.
	trusted = 20 * pace
	// brief is a time for which people wait without being told.
	brief = 10 * time.Second
)

// progress is how much of the work is done. Work is measured in bytes of Go files.
type progress struct {
	packages, packagesDone int
	work, workDone         int64
	cores                  int
}

// percent is of the work, not of the packages: some take far longer than others (README.md).
func (p progress) percent() int {
	if p.work == 0 {
		return 0
	}
	return int(min(100, 100*p.workDone/p.work))
}

// rest returns how long the work that is left takes. It trusts the speed so far the more, the more
// is done.
func (p progress) rest(elapsed time.Duration) time.Duration {
	seconds := elapsed.Seconds() + trusted/float64(pace*max(1, p.cores))
	return time.Duration(float64(p.work-p.workDone) * seconds / float64(trusted+p.workDone) * float64(time.Second))
}

// line says of the step that is built how far all of them are.
func (p progress) line(step string, elapsed time.Duration) string {
	doing := "linking"
	if p.packagesDone < p.packages {
		doing = fmt.Sprintf("%s of %s packages", thousands(p.packagesDone), thousands(p.packages))
	}
	return fmt.Sprintf("%s %2d%% %s, %s, %s, %s left", bar(p.percent()), p.percent(), step, doing, rounded(elapsed), about(p.rest(elapsed)))
}

// bar draws a percentage.
func bar(percent int) string {
	const width = 20
	full := percent * width / 100
	return "[" + strings.Repeat("#", full) + strings.Repeat(".", width-full) + "]"
}

// thousands writes a number in groups of three digits.
func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// about rounds a duration as an estimate deserves.
func about(d time.Duration) string {
	switch {
	case d < brief:
		return "seconds"
	case d < 100*time.Second:
		return fmt.Sprintf("about %ds", int(d.Round(10*time.Second).Seconds()))
	default:
		return fmt.Sprintf("about %d min", int((d+30*time.Second)/time.Minute))
	}
}

func rounded(d time.Duration) string { return d.Round(time.Second).String() }
