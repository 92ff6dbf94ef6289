package diff

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// cut shortens a text to about limit bytes, at a rune boundary, and says how long it was.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return fmt.Sprintf("%s… (%d bytes)", text[:runeStart(text, limit)], len(text))
}

// runeStart is the last position up to at where a rune begins.
func runeStart(text string, at int) int {
	for at > 0 && at < len(text) && !utf8.RuneStart(text[at]) {
		at--
	}
	return at
}

// printable shows what would steer a terminal, or cannot be seen, as an escape; tabs stay.
func printable(text string) string {
	hidden := func(r rune) bool { return r != '\t' && !unicode.IsPrint(r) }
	text = strings.ToValidUTF8(text, "�")
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

// oneLine makes one printable line of a text.
func oneLine(text string) string {
	return printable(strings.Join(strings.Fields(text), " "))
}

// splitLines splits a text after each newline, as a file's lines are counted.
func splitLines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
}
