// Package mask hides credentials in whatever Reprise shows or stores for people: Events, messages,
// logs, differences, evidence, denials and the output of the plugin.
//
// It finds known forms of credentials by the rules of gitleaks and by some of its own, and others
// by the names that stand at them (docs/adr/0008). It reads a text as a person does: colors,
// control characters, invisible characters and escapes in it hide no credential.
package mask

import (
	"slices"
	"strings"

	"reprise.dev/reprise/internal/oneline"
)

// Masked stands where a credential stood.
const Masked = "***"

// maxText is how many bytes of one text are read at most; the rest is not shown.
const maxText = 512 << 10

// Line returns text on one line, clean as by oneline.Of, with credentials hidden.
func Line(text string) string { return oneline.Of(hide(text, true)) }

// Text returns text of several lines, each clean as by oneline.Clean, with credentials hidden. A
// credential of several lines becomes one.
func Text(text string) string {
	lines := strings.Split(hide(text, true), "\n")
	for i, line := range lines {
		lines[i] = oneline.Clean(strings.TrimSuffix(line, "\r"))
	}
	return strings.Join(lines, "\n")
}

// Value hides a value where its own name, such as DB_PASSWORD, or the value itself says that it is
// a credential. A flag, and the reference of a variable, are none. It keeps the lines of the value
// and the characters that cannot be seen.
func Value(name, value string) string {
	if harmless(value) {
		return value
	}
	if r := read(name); isCredential(strengthOf(r.text), value) {
		return Masked
	}
	if strings.Contains(value, "\n") {
		return strings.Join(Lines(value), "")
	}
	return hide(value, false)
}

// Named reports whether a value of this name is likely to be a credential, whatever it is.
func Named(name string) bool { return strengthOf(read(name).text) >= credential }

// Lines hides credentials in the lines of a file, each of which keeps its ending: as many lines
// come out as are in the text.
func Lines(text string) []string {
	found, r := find(text, false)
	lines := strings.SplitAfter(text, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	start := 0
	for i, line := range lines {
		end := start + len(line)
		content := start + len(strings.TrimRight(line, "\r\n"))
		var out strings.Builder
		at := start
		for len(found) > 0 {
			from, to := r.origin(found[0].from), r.origin(found[0].to)
			if from >= content {
				break
			}
			if from < start { // It goes on from the lines above: the indentation stays.
				from = start + len(line) - len(strings.TrimLeft(line, " \t"))
			}
			if to = min(to, content); from < to {
				out.WriteString(text[at:from] + Masked)
				at = to
			}
			if r.origin(found[0].to) > end {
				break
			}
			found = found[1:]
		}
		out.WriteString(text[at:end])
		lines[i], start = out.String(), end
	}
	return lines
}

// hide returns a text with the credentials in it hidden. In prose, what only tells of a credential
// stays.
func hide(text string, prose bool) string {
	if text == "" {
		return ""
	}
	text, rest := limited(text)
	found, r := find(text, prose)
	if len(found) == 0 {
		return text + rest
	}
	var out strings.Builder
	at := 0
	for _, s := range found {
		from, to := r.origin(s.from), r.origin(s.to)
		out.WriteString(text[at:from] + Masked)
		at = to
	}
	out.WriteString(text[at:])
	return out.String() + rest
}

// limited cuts a text to what is read.
func limited(text string) (read, rest string) {
	if len(text) <= maxText {
		return text, ""
	}
	return oneline.Prefix(text, maxText), "…"
}

// span is a part of a reading.
type span struct{ from, to int }

// spans are those of credentials.
type spans []span

func (s *spans) add(from, to int) {
	if from < to {
		*s = append(*s, span{from, to})
	}
}

// find returns where credentials are in the reading of a text, in order and apart.
func find(text string, prose bool) (spans, reading) {
	r := read(text)
	var all spans
	lower := strings.ToLower(r.text)
	gitleaks().find(r.text, lower, &all)
	findShapes(r.text, lower, &all)
	(&assignments{reading: r, lower: lower, prose: prose, found: &all}).find()
	if len(all) == 0 {
		return nil, r
	}
	slices.SortFunc(all, func(a, b span) int { return a.from - b.from })
	joined := all[:1]
	for _, s := range all[1:] {
		last := &joined[len(joined)-1]
		switch {
		case s.from <= last.to:
			last.to = max(last.to, s.to)
		case strings.Trim(r.text[last.to:s.from], "*") == "": // Masked already.
			last.to = s.to
		default:
			joined = append(joined, s)
		}
	}
	return joined, r
}
