package diff

import (
	"fmt"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"reprise.dev/reprise/internal/mask"
	"reprise.dev/reprise/internal/oneline"
)

const (
	// maxLines is how many lines of each side are compared, which bounds the time.
	maxLines = 5000
	// maxShown is how many lines of a difference are shown.
	maxShown = 200
	// maxLine is how many bytes of one line are shown.
	maxLine = 240
	// context is how many unchanged lines are shown around a change.
	context = 3
)

// lineDiff is the difference of two texts by lines.
type lineDiff struct {
	hunks          string
	added, removed int
}

// compareLines compares two texts as they are and shows them with credentials masked, so that a
// changed credential is seen as a changed line that shows none.
func compareLines(old, new string) lineDiff {
	oldLines, newLines := splitLines(old), splitLines(new)
	if len(oldLines) > maxLines || len(newLines) > maxLines {
		return lineDiff{}
	}
	// Cannot fail: the edits are those of the text.
	unified, err := udiff.ToUnifiedDiff("", "", old, udiff.Lines(old, new), context)
	if err != nil {
		return lineDiff{}
	}
	unended := strings.HasSuffix(old, "\n") != strings.HasSuffix(new, "\n")
	before, after := newSide(old, unended && !strings.HasSuffix(old, "\n")), newSide(new, unended && !strings.HasSuffix(new, "\n"))
	var d lineDiff
	var shown []string
	for _, hunk := range unified.Hunks {
		header := len(shown)
		shown = append(shown, "")
		from, to := hunk.FromLine-1, hunk.ToLine-1
		for _, line := range hunk.Lines {
			switch line.Kind {
			case udiff.Delete:
				shown = append(shown, "-"+before.text(from, len(shown)))
				from++
				d.removed++
			case udiff.Insert:
				shown = append(shown, "+"+after.text(to, len(shown)))
				to++
				d.added++
			case udiff.Equal:
				shown = append(shown, " "+before.text(from, len(shown)))
				from++
				to++
			}
		}
		shown[header] = fmt.Sprintf("@@ -%s +%s @@", span(hunk.FromLine, from), span(hunk.ToLine, to))
	}
	d.hunks = bounded(shown)
	return d
}

// span returns a hunk's lines in the unified format: the first, and how many where it is not one.
func span(first, last int) string {
	switch count := last - first + 1; count {
	case 0:
		return fmt.Sprintf("%d,0", last)
	case 1:
		return fmt.Sprint(first)
	default:
		return fmt.Sprintf("%d,%d", first, count)
	}
}

// side is one of the two texts, by lines.
type side struct {
	lines []string
	// unended says that the last line has no newline, and the other side's has one.
	unended bool
}

func newSide(text string, unended bool) side {
	return side{lines: mask.Lines(text), unended: unended}
}

// text returns a line as it is shown in one place of all.
func (s side) text(line, place int) string {
	if place >= maxShown {
		return ""
	}
	text := oneline.Escape(cut(strings.TrimSuffix(s.lines[line], "\n"), maxLine))
	if s.unended && line == len(s.lines)-1 {
		text += ` \ No newline at end of file` // In the words of the unified format.
	}
	return text
}

// bounded joins lines, at most maxShown of them.
func bounded(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	if hidden := len(lines) - maxShown; hidden > 0 {
		lines = append(lines[:maxShown:maxShown], fmt.Sprintf("… %d more lines", hidden))
	}
	return strings.Join(lines, "\n") + "\n"
}
