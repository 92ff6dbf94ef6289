package story

import (
	"fmt"
	"strings"
	"time"

	"reprise.dev/reprise/internal/mask"
	"reprise.dev/reprise/workload"
)

// StatusPage returns the status of one workload, in a few lines.
func StatusPage(w Workload, look Terminal, now time.Time) string {
	s := StatusOf(w, now)
	var out strings.Builder
	line := func(label, text string, c color) {
		if text == "" {
			return
		}
		const column = 15
		folded := strings.TrimPrefix(look.fold(strings.Repeat(" ", column), text), strings.Repeat(" ", column))
		for i, part := range strings.Split(strings.TrimSuffix(folded, "\n"), "\n") {
			head, part := strings.Repeat(" ", column), strings.TrimSpace(part)
			if i == 0 {
				head = look.paint(faint, fmt.Sprintf("%-*s", column, label+":"))
			}
			out.WriteString(head + look.paint(c, part) + "\n")
		}
	}
	line("Workload", fmt.Sprintf("deployment/%s in namespace %s", s.Name, s.Namespace), bold)
	line("Live", s.live(now), ofPhase(string(s.Phase)))
	line("Runs", mask.Line(s.Images), "")
	if s.Note != gone {
		line("Pods", fmt.Sprintf("%d of %d ready", s.Ready, s.Pods), "")
	}
	if s.Paused {
		line("Paused", "the rollout is paused; to resume it, run kubectl rollout resume deployment/"+s.Name, yellow)
	}
	switch s.LastHealthy {
	case s.Revision:
	case 0:
		line("Last healthy", "none", yellow)
	default:
		line("Last healthy", number(s.LastHealthy), "")
	}
	if s.LastFailure != nil {
		line("Last failure", s.LastFailure.line(now), red)
	}
	line("On hold", mask.Line(s.Hold), yellow)
	if s.Quarantine != nil {
		line("Quarantined", fmt.Sprintf("the pod template of #%d, for %s more", s.Quarantine.Revision, age(now, s.Quarantine.Until.Time)), yellow)
	}
	line("Denied", s.Denied.line(now), yellow)
	line("Unchecked", s.Unchecked.line(now), yellow)
	line("Rollback", s.mode(), yellow)
	line("More", s.next(w), "")
	return out.String()
}

// live returns what runs, since when, and where it came from.
func (s Status) live(now time.Time) string {
	if s.Note != "" {
		return s.Note
	}
	text := fmt.Sprintf("#%d, %s for %s", s.Revision, s.Phase, age(timeOf(s.Since), now))
	if s.RestoredFrom != 0 {
		text += fmt.Sprintf("; it is a rollback to #%d", s.RestoredFrom)
	}
	return text
}

// mode returns what a failure leads to, if not to a rollback.
func (s Status) mode() string {
	switch s.Rollback {
	case workload.ModeManual:
		return "manual: Reprise only reports failures"
	case workload.ModeOff:
		return "off: Reprise ignores failures"
	default:
		return ""
	}
}

// next returns the command that shows more.
func (s Status) next(w Workload) string {
	if s.LastFailure != nil || s.Denied != nil {
		return w.command("why")
	}
	return w.command("history")
}
