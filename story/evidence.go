package story

import (
	"fmt"
	"strings"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/internal/mask"
)

// shownLines is how many lines of a log a page shows, the last ones.
const shownLines = 10

// evidence is what the failing containers left behind. Of those that ended alike in several pods,
// one is shown.
func (d Diagnosis) evidence(p *page) {
	all := d.Revision.SavedEvidence()
	alike := map[string]int{}
	for _, e := range all {
		alike[kind(e)]++
	}
	for _, e := range all {
		others := alike[kind(e)] - 1
		if others < 0 {
			continue
		}
		alike[kind(e)] = 0
		title := "Evidence from pod " + e.PodName
		if e.ContainerName != "" {
			title = fmt.Sprintf("Evidence from container %s of pod %s", e.ContainerName, e.PodName)
		}
		if others > 0 {
			title += fmt.Sprintf(", and %d more like it", others)
		}
		p.title(title + ":")
		p.fold(ending(e))
		for _, line := range lastOf(LogOf(e)) {
			p.line("  " + p.look.paint(faint, "| ") + mask.Text(line))
		}
		for _, said := range e.Events {
			p.line("  event: " + mask.Text(said))
		}
	}
}

// kind returns how a container ended, without which pod it was in.
func kind(e v1alpha1.Evidence) string {
	code := ""
	if e.ExitCode != nil {
		code = fmt.Sprint(*e.ExitCode)
	}
	return strings.Join([]string{e.ContainerName, e.Reason, code}, "\x00")
}

// ending returns how a container ended.
func ending(e v1alpha1.Evidence) string {
	var parts []string
	if e.Reason != "" {
		parts = append(parts, e.Reason)
	}
	if e.ExitCode != nil {
		parts = append(parts, fmt.Sprintf("exit code %d", *e.ExitCode))
	}
	switch {
	case e.RestartCount == 1:
		parts = append(parts, "1 restart")
	case e.RestartCount > 1:
		parts = append(parts, fmt.Sprintf("%d restarts", e.RestartCount))
	}
	if e.Message != "" {
		parts = append(parts, mask.Line(e.Message))
	}
	return strings.Join(parts, ", ")
}

// LogOf returns the more informative log: that of the previous instance, where there is one. The
// last one may have just started.
func LogOf(e v1alpha1.Evidence) []string {
	if len(e.PreviousLog) > 0 {
		return e.PreviousLog
	}
	return e.Log
}

func lastOf(lines []string) []string { return lines[max(0, len(lines)-shownLines):] }
