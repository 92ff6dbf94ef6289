// Command prose holds the repository's texts to its rules where no ready-made linter does.
//
//	prose -root DIR messages   sentences in the product's string literals, by Vale's rules
//	prose -root DIR links      links between the Markdown pages that lead nowhere
//
// It prints a line for each finding, as file:line: text, and exits with 1 if one of them is more
// than a warning of Vale.
package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// errFound says that the texts break a rule, and that it was printed where.
var errFound = errors.New("the texts break the rules of .vale/styles/Reprise or CONTRIBUTING.md")

func main() {
	root := flag.String("root", ".", "folder of the repository")
	vale := flag.String("vale", "", "path of the vale binary, for messages")
	config := flag.String("config", "", "path of Vale's configuration, for messages")
	level := flag.String("level", "warning", "lowest level that messages prints: error, warning or suggestion")
	flag.Parse()
	if err := run(os.Stdout, flag.Arg(0), *root, linter{*vale, *config, *level}); err != nil {
		fmt.Fprintln(os.Stderr, "prose:", err)
		os.Exit(1)
	}
}

func run(out io.Writer, check, root string, vale linter) error {
	var findings []finding
	var err error
	switch check {
	case "messages":
		findings, err = vale.messages(root)
	case "links":
		findings, err = deadLinks(root)
	default:
		return fmt.Errorf("unknown check %q: messages or links", check)
	}
	if err != nil {
		return err
	}
	slices.SortStableFunc(findings, func(a, b finding) int {
		return cmp.Or(strings.Compare(a.file, b.file), cmp.Compare(a.line, b.line))
	})
	failed := false
	for _, f := range findings {
		fmt.Fprintln(out, f)
		failed = failed || !f.advice
	}
	if failed {
		return errFound
	}
	return nil
}

// finding is one place that breaks a rule. Advice does not fail the check.
type finding struct {
	file   string
	line   int
	text   string
	advice bool
}

func (f finding) String() string { return fmt.Sprintf("%s:%d: %s", f.file, f.line, f.text) }
