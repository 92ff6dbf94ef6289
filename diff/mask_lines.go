package diff

import (
	"regexp"
	"strings"
)

var (
	// lineHead matches a line of a configuration file that assigns: name: value, NAME=value, export
	// NAME=value.
	lineHead = regexp.MustCompile(`^([ \t]*(?:- +)?(?:export +|set +)?["']?)([A-Za-z0-9_][A-Za-z0-9_.-]*)(["']?[ \t]*[=:][ \t]*)(.*)$`)
	// blockScalar is YAML's mark of a value on the lines below, which are indented further.
	blockScalar = regexp.MustCompile(`^[|>][-+0-9]*[ \t]*(?:#.*)?$`)
	pemBegin    = regexp.MustCompile(`-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----[ \t]*$`)
	pemEnd      = regexp.MustCompile(`-----END [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----`)
)

// maskLines hides credentials in the lines of a file, each of which keeps its ending: as many lines
// come out as went in.
func maskLines(lines []string) []string {
	hidden := hiddenLines(lines)
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = maskFileLine(line, hidden[i])
	}
	return out
}

// hiddenLines returns which lines are a credential as a whole: those of a private key, and of a
// YAML block under a credential's name.
func hiddenLines(lines []string) []bool {
	hidden := make([]bool, len(lines))
	var inKey, inBlock bool
	var blockIndent int
	for i, text := range lines {
		text = strings.TrimRight(text, "\r\n")
		indent := indentOf(text)
		blank := indent == len(text)
		inKey = inKey && !pemEnd.MatchString(text)
		inBlock = inBlock && (indent > blockIndent || blank)
		hidden[i] = (inKey || inBlock) && !blank
		if !hidden[i] && strings.ContainsAny(text, "|>") {
			if head := lineHead.FindStringSubmatch(text); head != nil && blockScalar.MatchString(head[4]) {
				inBlock, blockIndent = credentialName(head[2]), indent
			}
		}
		inKey = inKey || beginsKey(text)
	}
	return hidden
}

func maskFileLine(line string, hidden bool) string {
	text := strings.TrimRight(line, "\r\n")
	ending := line[len(text):]
	switch {
	case hidden:
		return text[:indentOf(text)] + masked + ending
	case beginsKey(text):
		return line
	default:
		return maskLine(text) + ending
	}
}

func beginsKey(text string) bool {
	return strings.Contains(text, pemStart) && pemBegin.MatchString(text)
}

func indentOf(text string) int {
	return len(text) - len(strings.TrimLeft(text, " \t"))
}

// maskLine hides all that is assigned to a credential at a line's start, since a value there may
// hold spaces.
func maskLine(text string) string {
	head := lineHead.FindStringSubmatch(text)
	if head != nil && credentialName(head[2]) && !strings.HasPrefix(head[3], `"`) && !quoted(head[4]) {
		value := strings.TrimSpace(head[4])
		if value != "" && !reference.MatchString(value) && !blockScalar.MatchString(value) {
			return head[1] + head[2] + head[3] + masked
		}
		return text
	}
	return maskAssigned(maskShapes(text), false)
}

func quoted(value string) bool {
	return strings.HasPrefix(value, `"`) || strings.HasPrefix(value, `'`)
}
