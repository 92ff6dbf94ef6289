package diff

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxValue is how many bytes of one value the short form shows.
const maxValue = 60

// Short renders the changes in one line of at most budget bytes. It never cuts inside a change: what does not
// fit is counted.
func (c Changes) Short(budget int) string {
	if len(c) == 0 {
		return "no change"
	}
	var line string
	for i, change := range c {
		rest := len(c) - i - 1
		next := join(line, change.String())
		if len(next)+len(more(rest)) > budget {
			return strings.TrimPrefix(line+more(rest+1), ", ")
		}
		line = next
	}
	return line
}

func join(line, next string) string {
	if line == "" {
		return next
	}
	return line + ", " + next
}

func more(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return ", 1 more change"
	default:
		return fmt.Sprintf(", %d more changes", n)
	}
}

// String renders a change in a few words: what it is, then from what to what.
func (c Change) String() string {
	old, new := brief(c.Old), brief(c.New)
	switch {
	case c.Kind == Removed:
		return c.Field + " removed"
	case c.Kind == Added && new == "":
		return c.Field + " added"
	case c.Kind == Added:
		return fmt.Sprintf("%s added (%s)", c.Field, new)
	case strings.HasSuffix(c.Field, ".image"):
		return fmt.Sprintf("%s %s", c.Field, imageChange(old, new))
	case old == new:
		return c.Field + " changed"
	default:
		return fmt.Sprintf("%s %s → %s", c.Field, old, new)
	}
}

// imageChange shows only the tags where the repository is the same.
func imageChange(old, new string) string {
	oldTag, newTag := strings.LastIndexAny(old, ":@"), strings.LastIndexAny(new, ":@")
	if oldTag > 0 && oldTag == newTag && old[:oldTag] == new[:newTag] {
		old, new = old[oldTag+1:], new[newTag+1:]
	}
	return old + " → " + new
}

// brief shortens a value to one line of at most maxValue bytes, cut at a rune boundary.
func brief(value string) string {
	value = strings.Join(strings.Fields(strings.ToValidUTF8(value, "�")), " ")
	if len(value) <= maxValue {
		return value
	}
	cut := maxValue
	for !utf8.RuneStart(value[cut]) {
		cut--
	}
	return value[:cut] + "…"
}
