// Package terminal prints for people and for programs: within a terminal's width, in colors, and
// in place.
//
// It knows nothing of clusters.
package terminal

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"reprise.dev/reprise/story"
)

// dumb is what TERM is on a terminal that cannot move its cursor, such as an editor's.
const dumb = "dumb"

// Of returns what a writer prints on: its width and whether it shows colors.
func Of(w io.Writer) story.Terminal { return story.Terminal{Width: Width(w), Color: Colors(w)} }

// Width returns the width of a terminal in columns, 0 where the writer is not a terminal.
func Width(w io.Writer) int {
	columns, _ := size(w)
	return columns
}

// Colors reports whether a writer is a terminal on which the user wants colors (no-color.org).
func Colors(w io.Writer) bool {
	_, unwanted := os.LookupEnv("NO_COLOR")
	return isTerminal(w) && os.Getenv("TERM") != dumb && (!unwanted || os.Getenv("NO_COLOR") == "")
}

// DrawsInPlace reports whether a writer is a terminal that can draw over what it showed before.
func DrawsInPlace(w io.Writer) bool { return Width(w) > 0 && os.Getenv("TERM") != dumb }

// Confirm asks a question and reports whether the answer is yes. It returns an error where the
// input is not a terminal.
func Confirm(in io.Reader, out io.Writer, question string) (bool, error) {
	if !isTerminal(in) {
		return false, errors.New("cannot ask you, because standard input is not a terminal: use --yes to agree, or --dry-run to see what would change")
	}
	fmt.Fprintf(out, "%s [y/N] ", question)
	answer, err := bufio.NewReader(in).ReadString('\n')
	if err != nil {
		return false, nil // No answer is a no.
	}
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes", nil
}

func isTerminal(stream any) bool {
	file, isFile := stream.(*os.File)
	return isFile && term.IsTerminal(int(file.Fd()))
}

// size returns the columns and lines of a terminal, 0 where the writer is none.
func size(w io.Writer) (columns, lines int) {
	file, isFile := w.(*os.File)
	if !isFile {
		return 0, 0
	}
	columns, lines, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0, 0
	}
	return columns, lines
}
