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

// The names under which a policy may state results, each a set of messages or
// of objects: deny and warn as in Conftest, violation as in Gatekeeper, and
// cannot_tell for a question that the input leaves open.
const (
	headDeny       = "deny"
	headViolation  = "violation"
	headWarn       = "warn"
	headCannotTell = "cannot_tell"
)

// loaded is a policy: a package with results, in one file or several.
type loaded struct {
	rule   Rule
	pkg    ast.Ref
	heads  []string
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
	if len(heads) == 0 {
		return parsed, nil, nil
	}
	rule, described, err := ruleOf(parsed)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: METADATA: %w", m.File, err)
	}
	if rule.Early && !m.Builtin {
		return nil, nil, fmt.Errorf("%s: METADATA: early is reserved for the built-in pack", m.File)
	}
	return parsed, &loaded{
		rule: rule, pkg: parsed.Package.Path, heads: heads,
		file: m.File, source: m.source(), builtin: m.Builtin, described: described,
	}, nil
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

// headsOf returns the results that a module defines, in a fixed order.
func headsOf(module *ast.Module) ([]string, error) {
	var heads []string
	for _, head := range []string{headDeny, headViolation, headWarn, headCannotTell} {
		for _, rule := range module.Rules {
			isFunction := len(rule.Head.Args) > 0
			if isFunction || rule.Head.Ref()[0].Value.Compare(ast.Var(head)) != 0 {
				continue
			}
			if rule.Head.RuleKind() != ast.MultiValue || len(rule.Head.Ref()) > 1 {
				return nil, fmt.Errorf("%d: %s must be a set: write %q", rule.Location.Row, head, head+" contains …")
			}
			if !slices.Contains(heads, head) {
				heads = append(heads, head)
			}
		}
	}
	return heads, nil
}
