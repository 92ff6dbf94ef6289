package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// ValidationErrors lists every error of a configuration file, in the order of its lines.
type ValidationErrors []ValidationError

// Error joins the errors into one line.
func (e ValidationErrors) Error() string {
	lines := make([]string, len(e))
	for i := range e {
		lines[i] = e[i].Error()
	}
	return strings.Join(lines, "; ")
}

// ValidationError is an error of one key.
type ValidationError struct {
	// Line counts from 1; it is 0 where Err names the line itself, as the YAML parser does.
	Line int
	// Err is a *field.Error, or the YAML parser's error.
	Err error
}

// Error returns the error with its line.
func (e ValidationError) Error() string {
	if e.Line == 0 {
		return e.Err.Error()
	}
	return fmt.Sprintf("line %d: %v", e.Line, e.Err)
}

// Unwrap returns the error without its line.
func (e ValidationError) Unwrap() error { return e.Err }

func (r *reader) fail(line int, err *field.Error) {
	r.errors = append(r.errors, ValidationError{Line: line, Err: err})
}

// result returns the errors in the order of their lines; nil if there are none.
func (r *reader) result() error {
	if len(r.errors) == 0 {
		return nil
	}
	slices.SortStableFunc(r.errors, func(a, b ValidationError) int { return cmp.Compare(a.Line, b.Line) })
	return r.errors
}

// lineOf returns the line of a path, or of its nearest parent that the file has.
func (r *reader) lineOf(path string) int {
	for path != "" {
		if line, ok := r.lines[path]; ok {
			return line
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return 1
}
