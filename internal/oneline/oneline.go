// Package oneline makes text from elsewhere safe to show: on one line of a terminal, in an Event or
// in a warning.
package oneline

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ellipsis stands for text that was cut off.
const ellipsis = "…"

// sequences are the escape sequences by which a program controls a terminal (ECMA-48: strings, CSI,
// and the two-character sequences).
var sequences = regexp.MustCompile("\x1b(?:[PX\\]^_][^\x07\x1b]*(?:\x07|\x1b\\\\)|\\[[0-?]*[ -/]*[@-~]|[@-Z\\\\-_])")

// Of returns text on one line, with each run of whitespace as one space. The result is valid UTF-8
// and holds nothing that controls a terminal, reorders text or cannot be seen.
func Of(text string) string { return strings.Join(strings.Fields(Clean(text)), " ") }

// Clean returns text as Of does, but keeps its indentation: each whitespace character is a space.
func Clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		default:
			return r
		}
	}, sequences.ReplaceAllString(strings.ToValidUTF8(text, "\uFFFD"), ""))
}

// Escape returns text with each character that Clean would drop as a Go escape (\x1b, \u200b), so
// that a reader sees that it is there. Tabs stay.
func Escape(text string) string {
	hidden := func(r rune) bool { return r != '\t' && !unicode.IsPrint(r) }
	text = strings.ToValidUTF8(text, "\uFFFD")
	if strings.IndexFunc(text, hidden) < 0 {
		return text
	}
	var out strings.Builder
	for _, r := range text {
		if hidden(r) {
			quoted := strconv.QuoteRuneToASCII(r)
			out.WriteString(quoted[1 : len(quoted)-1])
		} else {
			out.WriteRune(r)
		}
	}
	return out.String()
}

// Prefix returns the longest prefix of text that ends between two characters and has at most limit
// bytes.
func Prefix(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	end := max(limit, 0)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// CutBytes shortens text to at most limit bytes, of which the last are an ellipsis where something
// was cut off.
func CutBytes(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return Prefix(text, limit-len(ellipsis)) + ellipsis
}

// CutRunes shortens text to at most limit characters, of which the last is an ellipsis where
// something was cut off.
func CutRunes(text string, limit int) string {
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	return string([]rune(text)[:max(limit-1, 0)]) + ellipsis
}
