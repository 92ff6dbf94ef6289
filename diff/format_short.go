package diff

import (
	"fmt"
	"strings"

	"reprise.dev/reprise/internal/oneline"
)

// shortValue is how many bytes of one value the short form shows.
const shortValue = 60

// Short renders the changes in one line of at most budget bytes, what matters most first. It never
// cuts inside a change: one that does not fit with its values is named without them, and what does
// not fit at all is counted.
func (c Changes) Short(budget int) string {
	if len(c) == 0 {
		return fitting("no change", budget)
	}
	var parts string
	for i, change := range c {
		rest := more(len(c)-i-1, true)
		next := join(parts, change.String())
		if len(next)+len(rest) > budget {
			next = join(parts, change.name())
		}
		if len(next)+len(rest) > budget {
			return fitting(parts+more(len(c)-i, parts != ""), budget)
		}
		parts = next
	}
	return parts
}

func fitting(text string, budget int) string {
	if len(text) > budget {
		return ""
	}
	return text
}

func join(line, next string) string {
	if line == "" {
		return next
	}
	return line + ", " + next
}

func more(n int, others bool) string {
	switch {
	case n == 0:
		return ""
	case !others && n == 1:
		return "1 change"
	case !others:
		return fmt.Sprintf("%d changes", n)
	case n == 1:
		return ", 1 more change"
	default:
		return fmt.Sprintf(", %d more changes", n)
	}
}

// name returns which field changed, and how, without values.
func (c Change) name() string {
	verb := string(c.Kind)
	if c.Kind == Modified {
		verb = "changed"
	}
	return escapedLine(c.Field) + " " + verb
}

// String renders a change in a few words: what it is, then from what to what.
func (c Change) String() string {
	if c.File != nil {
		return c.name() + c.File.brief(c.Kind)
	}
	switch c.Kind {
	case Added:
		if value := brief(escapedLine(inline(c.unnamed(c.New)))); value != "" {
			return c.name() + " (" + value + ")"
		}
		return c.name()
	case Modified:
		old, new := escapedLine(inline(c.Old)), escapedLine(inline(c.New))
		if old == new {
			return c.name()
		}
		if strings.HasSuffix(c.Field, ".image") {
			old, new = tags(old, new)
		}
		old, new = briefPair(old, new)
		return escapedLine(c.Field) + " " + orEmpty(old) + " → " + orEmpty(new)
	default:
		return c.name()
	}
}

func orEmpty(value string) string {
	if value == "" {
		return `""`
	}
	return value
}

// tags returns what is left of two images without the repository that they share.
func tags(old, new string) (oldTag, newTag string) {
	at := strings.IndexAny(old[strings.LastIndex(old, "/")+1:], ":@") + strings.LastIndex(old, "/") + 1
	if at > 0 && len(new) > at && old[:at+1] == new[:at+1] && (old[at] == ':' || old[at] == '@') {
		return old[at+1:], new[at+1:]
	}
	return old, new
}

// brief shortens a line to shortValue bytes.
func brief(line string) string {
	if len(line) <= shortValue {
		return line
	}
	return oneline.Prefix(line, shortValue) + "…"
}

// briefPair shortens two different lines so that the difference can be seen.
func briefPair(old, new string) (shortOld, shortNew string) {
	const before = 10
	if brief(old) != brief(new) {
		return brief(old), brief(new)
	}
	first := 0
	for first < min(len(old), len(new)) && old[first] == new[first] {
		first++
	}
	from := len(oneline.Prefix(old, first-before))
	return "…" + brief(old[from:]), "…" + brief(new[from:])
}
