// Command chartdocs writes a chart's values.schema.json, and the table of values in its README.md,
// out of the comments in values.yaml. The text above a value is what it means. A line "@schema" in
// it says what it may be, beside what its default shows: keywords of JSON Schema in one line of
// YAML, or one of the words in shorthands.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: chartdocs CHART")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "chartdocs:", err)
		os.Exit(1)
	}
}

func run(chart string) error {
	content, err := os.ReadFile(filepath.Join(chart, "values.yaml"))
	if err != nil {
		return err
	}
	values, err := parse(content)
	if err != nil {
		return fmt.Errorf("values.yaml: %w", err)
	}
	schema, err := schemaOf(values)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(chart, "values.schema.json"), schema, 0o644); err != nil {
		return err
	}
	readme := filepath.Join(chart, "README.md")
	page, err := os.ReadFile(readme)
	if err != nil {
		return err
	}
	if page, err = between(page, table(values)); err != nil {
		return fmt.Errorf("%s: %w", readme, err)
	}
	return os.WriteFile(readme, page, 0o644)
}

// The marks in the README between which the table stands. Everything around them is written by
// hand.
const (
	begin = "<!-- values: written by make generate from the comments in values.yaml -->\n"
	end   = "<!-- end of the values -->\n"
)

// between puts the table between the marks of a page.
func between(page, table []byte) ([]byte, error) {
	before, rest, found := bytes.Cut(page, []byte(begin))
	_, after, ended := bytes.Cut(rest, []byte(end))
	if !found || !ended {
		return nil, fmt.Errorf("the marks between which the values stand are missing: %q and %q", begin, end)
	}
	return bytes.Join([][]byte{before, []byte(begin), table, []byte(end), after}, nil), nil
}
