package diff

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"sigs.k8s.io/yaml"

	"reprise.dev/reprise/internal/oneline"
)

// LongOptions say how to render for a terminal.
type LongOptions struct {
	// Color marks what came and went by ANSI colors.
	Color bool
	// Width is the terminal's in columns: a change that fits stands in one line. 0 sets no limit.
	Width int
	// Kubernetes names fields by their paths, not in Score's terms.
	Kubernetes bool
}

// ANSI escapes.
const (
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	cyan   = "\x1b[36m"
	plain  = "\x1b[0m"
)

// signs mark a change in the long form.
var signs = map[Kind]string{Added: "+", Removed: "-", Modified: "~"}

// Long renders the changes for a terminal, each with its whole values: scalars in a line,
// structures and texts of several lines as YAML and by lines.
func (c Changes) Long(options LongOptions) string {
	if len(c) == 0 {
		return "no change\n"
	}
	var out strings.Builder
	for _, change := range c {
		change.writeLong(&out, options)
	}
	return out.String()
}

func (c Change) writeLong(out *strings.Builder, o LongOptions) {
	name := c.Field
	if o.Kubernetes {
		name = c.Path
	}
	head := signs[c.Kind] + " " + escapedLine(name)
	rest, block := c.details()
	if (c.Old != nil || c.New != nil) && block == "" && o.Width > 0 && utf8.RuneCountInString(head+": "+rest) > o.Width {
		rest, block = "", blocks(c.Old, c.New)
	}
	if rest != "" {
		rest = ": " + rest
	}
	fmt.Fprintf(out, "%s%s\n", o.paint(head), rest)
	for _, line := range splitLines(block) {
		fmt.Fprintf(out, "    %s\n", o.paint(strings.TrimSuffix(line, "\n")))
	}
}

// details returns what stands behind a change's name, and what stands below it.
func (c Change) details() (rest, block string) {
	switch {
	case c.File != nil && c.File.Hunks != "":
		return "", c.File.Hunks
	case c.File != nil:
		return strings.Trim(c.File.brief(c.Kind), " ()"), ""
	case c.Old == nil && c.New == nil:
		return "", ""
	case !simple(c.Old) || !simple(c.New):
		return "", blocks(c.Old, c.New)
	}
	old, new := oneline.Escape(inline(c.Old)), oneline.Escape(inline(c.New))
	switch {
	case c.Kind == Added:
		return new, ""
	case c.Kind == Removed:
		return old, ""
	case old == new:
		return "changed", ""
	default:
		return orEmpty(old) + " → " + orEmpty(new), ""
	}
}

// simple reports whether a value may stand in a line.
func simple(value any) bool {
	switch value := value.(type) {
	case map[string]any:
		return false
	case []any:
		for _, item := range value {
			if text, ok := item.(string); !ok || strings.Contains(text, "\n") {
				return false
			}
		}
		return true
	case string:
		return !strings.Contains(value, "\n")
	default:
		return true
	}
}

// blocks compares two values line by line, as YAML where they are structures.
func blocks(old, new any) string {
	difference := compareLines(blockText(old), blockText(new))
	if difference.hunks == "" {
		return "changed\n"
	}
	lines := splitLines(difference.hunks)
	if len(lines) > 0 && strings.HasPrefix(lines[0], "@@") {
		lines = lines[1:] // Where in a value its first change stands says nothing.
	}
	return strings.Join(lines, "") + "\n"
}

func blockText(value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case string:
		return value
	default:
		text, err := yaml.Marshal(value)
		if err != nil {
			return compactJSON(value)
		}
		return string(text)
	}
}

// paint colors a line by its first character.
func (o LongOptions) paint(line string) string {
	if !o.Color || line == "" {
		return line
	}
	var color string
	switch line[0] {
	case '+':
		color = green
	case '-':
		color = red
	case '~':
		color = yellow
	case '@':
		color = cyan
	default:
		return line
	}
	return color + line + plain
}
