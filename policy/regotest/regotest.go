// Package regotest runs a policy's own tests in Rego with Reprise's builtins. Stock `opa test` has
// no k8s.quantity.
package regotest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/open-policy-agent/opa/v1/topdown"

	"reprise.dev/reprise/internal/oneline"
	"reprise.dev/reprise/policy"
)

// limit is how long one test may take.
const limit = 5 * time.Second

// Outcome is the outcome of a test.
type Outcome string

// The outcomes. A test that could not be evaluated is not one that fails.
const (
	// The outcomes. Error is a test that could not be evaluated.
	Pass    Outcome = "PASS"
	Fail    Outcome = "FAIL"
	Skipped Outcome = "SKIP"
	Error   Outcome = "ERROR"
)

// Result is the result of one test.
type Result struct {
	// File and Line are where the test stands.
	File string
	Line int
	// Name is the package and name of the test: team_label_test.test_a_missing_label_is_told.
	Name    string
	Outcome Outcome
	// Detail is one line about a failure or an error. It may be empty.
	Detail string
	// Printed is what the test and its rules print, by print().
	Printed string
}

// Options are what to run.
type Options struct {
	// Match is a regular expression for the names of tests; empty means all.
	Match string
	// Coverage reports which lines of the rules the tests run.
	Coverage bool
}

// Report is the results of all tests.
type Report struct {
	Results []Result
	// Coverage is nil if it was not asked for.
	Coverage *Coverage
}

// And returns the results of both. The coverage is that of all lines.
func (r Report) And(other Report) Report {
	r.Results = append(slices.Clone(r.Results), other.Results...)
	switch {
	case r.Coverage == nil:
		r.Coverage = other.Coverage
	case other.Coverage != nil:
		both := r.Coverage.and(*other.Coverage)
		r.Coverage = &both
	}
	return r
}

// Coverage is how much of the rules the tests run.
type Coverage struct {
	// Percent is of the lines of all rules, without those of tests.
	Percent float64
	// Missed has the lines of each file that no test runs.
	Missed map[string][]int

	lines, covered int
}

func (c Coverage) and(other Coverage) Coverage {
	both := Coverage{Missed: maps.Clone(c.Missed), lines: c.lines + other.lines, covered: c.covered + other.covered}
	maps.Copy(both.Missed, other.Missed)
	both.Percent = both.percent()
	return both
}

func (c Coverage) percent() float64 {
	if c.lines == 0 {
		return 100
	}
	return 100 * float64(c.covered) / float64(c.lines)
}

// Run runs the rules named test_… and skips those named todo_test_…. The results are sorted by file
// and line. It fails if the files do not compile, with file and line, or have no such test.
func Run(ctx context.Context, files map[string]string, o Options) (Report, error) {
	modules := make(map[string]*ast.Module, len(files))
	strict := true
	for _, name := range slices.Sorted(maps.Keys(files)) {
		module, err := policy.Parse(policy.Module{File: name, Rego: files[name]})
		if err != nil {
			return Report{}, err
		}
		modules[name] = module
		strict = strict && !policy.IsV0(module)
	}
	runner := tester.NewRunner().
		SetCompiler(policy.NewCompiler(strict).WithEnablePrintStatements(true)).
		CapturePrintOutput(true).
		Filter(o.Match).
		AddCustomBuiltins([]*tester.Builtin{{Decl: policy.QuantityCompare, Func: policy.QuantityBuiltin()}}).
		RaiseBuiltinErrors(true).
		EnableTracing(true).
		SetTimeout(limit).
		SetModules(modules)
	run := cover.New()
	if o.Coverage {
		runner.SetCoverageQueryTracer(run)
	}
	results, err := runner.RunTests(ctx, nil)
	if err != nil {
		return Report{}, policy.WithLocation(err)
	}
	var all []Result
	for result := range results {
		all = append(all, resultOf(result))
	}
	if len(all) == 0 {
		return Report{}, errors.New("no tests found: name rules test_… in files *_test.rego")
	}
	slices.SortFunc(all, func(a, b Result) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Name, b.Name))
	})
	report := Report{Results: all}
	if o.Coverage {
		report.Coverage = coverageOf(run, modules)
	}
	return report, nil
}

// coverageOf returns the coverage of the modules that are no tests.
func coverageOf(run *cover.Cover, modules map[string]*ast.Module) *Coverage {
	rules := maps.Clone(modules)
	maps.DeleteFunc(rules, func(file string, _ *ast.Module) bool { return strings.HasSuffix(file, "_test.rego") })
	found := run.Report(rules)
	c := &Coverage{Missed: map[string][]int{}}
	for file, report := range found.Files {
		for _, lines := range report.NotCovered {
			for line := lines.Start.Row; line <= lines.End.Row; line++ {
				c.Missed[file] = append(c.Missed[file], line)
			}
		}
		c.covered, c.lines = c.covered+report.CoveredLines, c.lines+report.CoveredLines+report.NotCoveredLines
	}
	c.Percent = c.percent()
	return c
}

func resultOf(r *tester.Result) Result {
	result := Result{Name: strings.TrimPrefix(r.Package, "data.") + "." + r.Name, Outcome: Pass, Printed: strings.TrimRight(string(r.Output), "\n")}
	if r.Location != nil {
		result.File, result.Line = r.Location.File, r.Location.Row
	}
	switch {
	case r.Skip:
		result.Outcome = Skipped
	case r.Error != nil:
		result.Outcome, result.Detail = Error, policy.WithLocation(r.Error).Error()
	case r.Fail:
		result.Outcome, result.Detail = Fail, failing(r)
	}
	return result
}

// failing returns the expression at which a test failed: of the false ones in its file, the last by
// line.
func failing(r *tester.Result) string {
	var furthest *ast.Expr
	for _, e := range r.Trace {
		expression, isExpression := e.Node.(*ast.Expr)
		if e.Op != topdown.FailOp || !isExpression || expression.Location == nil || expression.Location.File != r.Location.File {
			continue
		}
		if furthest == nil || expression.Location.Row > furthest.Location.Row {
			furthest = expression
		}
	}
	if furthest == nil {
		return ""
	}
	return fmt.Sprintf("line %d is not true: %s", furthest.Location.Row, oneline.Of(string(furthest.Location.Text)))
}
