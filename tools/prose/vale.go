package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// linter is Vale: its binary, its configuration and the lowest level that it tells.
type linter struct {
	binary, config, level string
}

// place is where a line of the collected text stands in the source.
type place struct {
	file string
	line int
}

// messages checks the texts that the product shows. All of them are laid into one file, each a
// paragraph, and what Vale finds there is told at its place in the source.
func (v linter) messages(root string) ([]finding, error) {
	var text strings.Builder
	places := []place{{}} // Lines count from 1.
	err := goFiles(root, func(path string, files *token.FileSet, file *ast.File) {
		if !shown(path) {
			return
		}
		for _, sentence := range sentences(files, file) {
			for _, l := range sentence {
				// An indented line is an example, as in help.
				if strings.HasPrefix(l.text, " ") || strings.HasPrefix(l.text, "\t") {
					l.text = ""
				}
				text.WriteString(l.text + "\n")
				places = append(places, place{path, l.at})
			}
			text.WriteString("\n")
			places = append(places, place{path, 0})
		}
	})
	if err != nil {
		return nil, err
	}
	alerts, err := v.run(text.String())
	if err != nil {
		return nil, err
	}
	var found []finding
	for _, a := range alerts {
		at := places[a.Line]
		found = append(found, finding{at.file, at.line, a.Check + ": " + a.Message, a.Severity != "error"})
	}
	return found, nil
}

// shown reports whether users read what a file says: tests and tools speak to those who work on
// Reprise, except the demo, which is the first thing that a newcomer runs.
func shown(path string) bool {
	if strings.HasPrefix(path, "test/tools/demo/") && !strings.HasSuffix(path, "_test.go") {
		return true
	}
	return !strings.HasSuffix(path, "_test.go") && !strings.HasPrefix(path, "test/") && !strings.HasPrefix(path, "tools/")
}

type alert struct {
	Check, Message, Severity string
	Line                     int
}

func (v linter) run(text string) ([]alert, error) {
	folder, err := os.MkdirTemp("", "prose")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	file := filepath.Join(folder, "messages.md")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	out, err := exec.Command(v.binary, "--config", v.config, "--minAlertLevel", v.level, "--no-exit", "--output", "JSON", file).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		return nil, fmt.Errorf("running Vale: %w", err)
	}
	alerts := map[string][]alert{}
	if err := json.Unmarshal(out, &alerts); err != nil {
		return nil, fmt.Errorf("reading what Vale says: %w", err)
	}
	return alerts[file], nil
}
