package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"

	"reprise.dev/reprise/internal/oneline"
)

// Module is one file of Rego.
type Module struct {
	// File names the file in error messages.
	File string
	// Rego is the text, in Rego v1 or, if it does not parse as that, v0.
	Rego string
	// Source names the origin of the module, such as its ConfigMap. Modules of one source may share
	// a package. Empty means that the module is its own source.
	Source string
	// Parameters are what rules see as input.parameters, as decoded from JSON or YAML. All modules
	// of a source have the same.
	Parameters any
	// Data has the documents that rules see as data.KEY. All modules of a source have the same.
	Data map[string]any
	// Constraint is set for the Rego of a ConstraintTemplate of Gatekeeper.
	Constraint *Constraint
	// Builtin marks the built-in policies. Only their rules may be early, because the early hook's
	// matchConditions cover only these.
	Builtin bool
}

// source returns the name under which a module's parameters are stored.
func (m Module) source() string {
	if m.Source != "" {
		return m.Source
	}
	return m.File
}

// inputKey returns the name of the modules that share an input: those of a source, or of a
// constraint.
func (m Module) inputKey() string {
	if m.Constraint != nil {
		return m.source() + "/" + m.Constraint.Kind + "/" + m.Constraint.Name
	}
	return m.source()
}

// loaded is a policy: a package with results, in one file or several.
type loaded struct {
	rule   Rule
	pkg    ast.Ref
	heads  []head
	file   string
	source string
	// builtin is Module.Builtin.
	builtin bool
	// described reports whether METADATA of scope package was read.
	described bool
}

// load parses a module. It returns no policy for a library, which has no results.
func load(m Module) (*ast.Module, *loaded, error) {
	parsed, err := Parse(m)
	if err != nil {
		return nil, nil, err
	}
	heads, err := headsOf(parsed)
	if err != nil {
		return nil, nil, fmt.Errorf("%s:%w", m.File, err)
	}
	if m.Constraint != nil {
		heads = slices.DeleteFunc(heads, func(h head) bool { return h.kind != headViolation })
		if err := m.isolate(parsed); err != nil {
			return nil, nil, err
		}
	}
	if m.sharesMain(parsed) {
		isolateMain(parsed, m.Source)
	}
	if len(heads) == 0 {
		return parsed, nil, nil
	}
	if m.Constraint != nil {
		rule, err := m.Constraint.rule()
		return parsed, &loaded{rule: rule, pkg: parsed.Package.Path, heads: heads, file: m.File, source: m.source(), described: true}, err
	}
	rule, described, err := ruleOf(parsed)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: METADATA: %w", m.File, err)
	}
	if m.sharesMain(parsed) {
		rule.Name = m.Source
	}
	if rule.Early && !m.Builtin {
		return nil, nil, fmt.Errorf("%s: METADATA: early is reserved for the built-in pack", m.File)
	}
	return parsed, &loaded{
		rule: rule, pkg: parsed.Package.Path, heads: heads,
		file: m.File, source: m.source(), builtin: m.Builtin, described: described,
	}, nil
}

// mainPackage is the package that Conftest evaluates by default, and so that of most policies for
// it.
const mainPackage = "main"

// sharesMain reports whether a module is of the package main, or of one below it, which several
// sources may bring. The policy is named after the source.
func (m Module) sharesMain(module *ast.Module) bool {
	path := module.Package.Path
	if m.Source == "" || m.Constraint != nil || len(path) < 2 {
		return false
	}
	name := ast.StringTerm(mainPackage)
	return path[1].Equal(name) || len(path) > 2 && path[1].Equal(ast.StringTerm(mainRoot))
}

// mainRoot is the package above the packages main of all sources.
const mainRoot = "__main"

// isolateMain moves a package main below one of its source, with all references to it.
func isolateMain(module *ast.Module, source string) {
	main := ast.Ref{ast.VarTerm(string(ast.DefaultRootDocument.Value.(ast.Var))), ast.StringTerm(mainPackage)}
	under := func(ref ast.Ref) ast.Ref {
		moved := ast.Ref{ref[0], ast.StringTerm(mainRoot), ast.StringTerm(source)}
		for _, part := range moved[1:] {
			part.Location = ref[1].Location
		}
		return slices.Concat(moved, ref[1:])
	}
	ast.WalkTerms(module, func(term *ast.Term) bool {
		if ref, isRef := term.Value.(ast.Ref); isRef && ref.HasPrefix(main) {
			term.Value = under(ref)
		}
		return false
	})
	if module.Package.Path.HasPrefix(main) {
		module.Package.Path = under(module.Package.Path)
	}
}

// Parse reads a module as Rego v1 or, failing that, as v0, in which most policies for Gatekeeper
// and Conftest are written. The error is one line with file and line.
func Parse(m Module) (*ast.Module, error) {
	parsed, err := parseAs(m, ast.RegoV1)
	if err == nil {
		return parsed, nil
	}
	older, olderErr := parseAs(m, ast.RegoV0)
	if olderErr == nil {
		return older, nil
	}
	err = WithLocation(err)
	if olderErr = WithLocation(olderErr); olderErr.Error() == err.Error() {
		return nil, fmt.Errorf("neither Rego v1 nor Rego v0: %w", err)
	}
	return nil, fmt.Errorf("neither Rego v1 (%w) nor Rego v0 (%w)", err, olderErr)
}

// IsV0 reports whether a module was read as Rego v0, which cannot be compiled in strict mode.
func IsV0(module *ast.Module) bool {
	return module.RegoVersionSpan() == ast.RegoVersionSpanOf(ast.RegoV0)
}

func parseAs(m Module, version ast.RegoVersion) (*ast.Module, error) {
	parsed, err := ast.ParseModuleWithOpts(m.File, m.Rego, ast.ParserOptions{
		ProcessAnnotation: true,
		RegoVersion:       version,
		Capabilities:      capabilities(),
	})
	if err == nil && parsed == nil {
		return nil, fmt.Errorf("%s:1: the file is empty", m.File)
	}
	return parsed, err
}

// WithLocation formats OPA's errors in one line, each with file, line and reason.
func WithLocation(err error) error {
	var stopped *topdown.Error
	if errors.As(err, &stopped) && stopped.Location != nil {
		return errors.New(placed(&ast.Error{Location: stopped.Location, Message: stopped.Message}))
	}
	var list ast.Errors
	if !errors.As(err, &list) {
		return errors.New(oneline.Of(err.Error()))
	}
	var words []string
	for _, e := range list {
		words = append(words, placed(e))
	}
	return errors.New(strings.Join(slices.Compact(words), "; "))
}

func placed(e *ast.Error) string {
	if name, undefined := strings.CutPrefix(e.Message, "undefined function "); undefined && withheld[name] != "" {
		e = &ast.Error{Location: e.Location, Message: fmt.Sprintf("%s cannot be used here: %s", name, withheld[name])}
	}
	if e.Location == nil || e.Location.File == "" {
		return oneline.Of(e.Message)
	}
	return fmt.Sprintf("%s:%d: %s", e.Location.File, e.Location.Row, oneline.Of(e.Message))
}
