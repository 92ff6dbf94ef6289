package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// width is what every line fits into.
const width = 100

// terminal prints the demo for people.
type terminal struct{ out io.Writer }

func (t terminal) heading(text string) {
	fmt.Fprintf(t.out, "\n%s\n%s\n", text, strings.Repeat("=", utf8.RuneCountInString(text)))
}

func (t terminal) step(number int, text string) {
	fmt.Fprintf(t.out, "\n%s\n", wrap(fmt.Sprintf("%d. %s", number, text), ""))
}

func (t terminal) say(text string) { fmt.Fprintf(t.out, "\n%s\n", wrap(text, "")) }

func (t terminal) command(line string) { fmt.Fprintf(t.out, "\n  $ %s\n", line) }

// prose prints what a command said, wrapped; a line of JSON, such as the patch that a refused apply
// repeats, is cut instead.
func (t terminal) prose(text string) {
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		if strings.HasPrefix(line, "{") {
			line = cut(line, width-4)
		}
		fmt.Fprintln(t.out, wrap(line, "    "))
	}
}

// table prints what a command said, each line cut as a narrow terminal would.
func (t terminal) table(text string) {
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		fmt.Fprintf(t.out, "    %s\n", cut(strings.TrimRight(line, " "), width-4))
	}
}

func (t terminal) good(text string) { fmt.Fprintln(t.out, wrap("ok: "+text, "  ")) }

// wrap breaks text at spaces, and words that fit no line anywhere, and indents every line.
func wrap(text, indent string) string {
	room := width - utf8.RuneCountInString(indent)
	var lines []string
	line := []rune{}
	for _, word := range strings.Fields(text) {
		if len(line) > 0 && len(line)+1+utf8.RuneCountInString(word) > room {
			lines, line = append(lines, indent+string(line)), nil
		}
		if len(line) > 0 {
			line = append(line, ' ')
		}
		line = append(line, []rune(word)...)
		for len(line) > room {
			lines, line = append(lines, indent+string(line[:room])), line[room:]
		}
	}
	return strings.Join(append(lines, indent+string(line)), "\n")
}

// cut shortens a line to n characters.
func cut(line string, n int) string {
	runes := []rune(line)
	if len(runes) <= n {
		return line
	}
	return string(runes[:n-1]) + "…"
}
