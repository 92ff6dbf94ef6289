// Command cover prints which share of each package's statements its own tests run, and fails where
// one of the named packages stays below a minimum.
//
//	cover -dir DIR -min 80 history rollback cli/...
//
// A package is named by its folder; NAME/... names all below it too. A name without a package
// fails, so that a rename cannot lift a minimum.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

func main() {
	dir := flag.String("dir", ".", "folder of the module")
	minimum := flag.Float64("min", 80, "percentage that the named packages must reach")
	flag.Parse()
	if err := run(os.Stdout, *dir, *minimum, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "cover:", err)
		os.Exit(1)
	}
}

func run(out io.Writer, dir string, minimum float64, named []string) error {
	module, err := goCommand(dir, "list", "-m")
	if err != nil {
		return err
	}
	tested, err := goCommand(dir, "test", "-cover", "./...")
	if err != nil {
		return fmt.Errorf("%w\n%s", err, tested)
	}
	packages := parse(tested, strings.TrimSpace(module))
	for _, p := range packages {
		fmt.Fprintf(out, "%6.1f%%  %s\n", p.percent, p.name)
	}
	return below(packages, minimum, named)
}

// goCommand runs the go command in a folder and returns what it wrote to its standard output.
func goCommand(dir string, args ...string) (string, error) {
	var out bytes.Buffer
	command := exec.Command("go", args...)
	command.Dir, command.Stdout, command.Stderr = dir, &out, os.Stderr
	if err := command.Run(); err != nil {
		return out.String(), fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return out.String(), nil
}

// below returns an error for each named package under the minimum and for each name without a
// package.
func below(packages []coverage, minimum float64, named []string) error {
	var problems []error
	for _, name := range named {
		found := false
		for _, p := range packages {
			if !matches(p.name, name) {
				continue
			}
			found = true
			if p.percent < minimum {
				problems = append(problems, fmt.Errorf("%s: %.1f%% of its statements are tested, %.0f%% are asked for", p.name, p.percent, minimum))
			}
		}
		if !found {
			problems = append(problems, fmt.Errorf("%s: no such package, or one without statements", name))
		}
	}
	return errors.Join(problems...)
}

// matches reports whether a package's name is the one that is meant, or below it for NAME/....
func matches(name, meant string) bool {
	root, all := strings.CutSuffix(meant, "/...")
	return name == root || all && strings.HasPrefix(name, root+"/")
}
