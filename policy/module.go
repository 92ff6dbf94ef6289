package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// Module is the source of one policy.
type Module struct {
	// File names the source in error messages.
	File string
	// Rego is the text, Rego v1.
	Rego string
	// Builtin marks the pack that Reprise ships. Only its rules may be early,
	// because the early hook's matchConditions know only these.
	Builtin bool
}

// Enforcement is what a rule's denials come to.
type Enforcement string

// The enforcements that a rule's METADATA may state.
const (
	EnforceDeny Enforcement = "deny"
	EnforceWarn Enforcement = "warn"
	EnforceOff  Enforcement = "off"
)

// Rule is what a policy's METADATA says of it.
type Rule struct {
	// Name is the last part of the package, with dashes: requests-within-limits.
	Name        string
	Title       string
	Description string
	// Fix says in general how to repair what the rule finds; a violation may be more exact.
	Fix         string
	Enforcement Enforcement
	// Early rules are also judged in the mutating phase, on the template as
	// written: they find what the API server's own validation would refuse
	// before any validating webhook is asked (FACTS: the order of admission).
	Early bool
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

// loaded is a parsed policy that states results.
type loaded struct {
	rule  Rule
	pkg   ast.Ref
	heads []string
}

// load parses a module. A module that states no results is a library: nil.
func load(m Module) (*ast.Module, *loaded, error) {
	parsed, err := ast.ParseModuleWithOpts(m.File, m.Rego, ast.ParserOptions{
		ProcessAnnotation: true,
		RegoVersion:       ast.RegoV1,
		Capabilities:      capabilities(),
	})
	if err != nil {
		return nil, nil, fmt.Errorf("parsing policy: %w", err)
	}
	heads, err := headsOf(parsed)
	if err != nil {
		return nil, nil, fmt.Errorf("reading %s: %w", m.File, err)
	}
	if len(heads) == 0 {
		return parsed, nil, nil
	}
	rule, err := ruleOf(parsed)
	if err != nil {
		return nil, nil, fmt.Errorf("reading METADATA of %s: %w", m.File, err)
	}
	if rule.Early && !m.Builtin {
		return nil, nil, fmt.Errorf("reading METADATA of %s: early is reserved for the built-in pack", m.File)
	}
	return parsed, &loaded{rule: rule, pkg: parsed.Package.Path, heads: heads}, nil
}

// headsOf lists the results that a module states, in a fixed order.
func headsOf(module *ast.Module) ([]string, error) {
	var heads []string
	for _, head := range []string{headDeny, headViolation, headWarn, headCannotTell} {
		for _, rule := range module.Rules {
			isFunction := len(rule.Head.Args) > 0
			if isFunction || rule.Head.Ref()[0].Value.Compare(ast.Var(head)) != 0 {
				continue
			}
			if rule.Head.RuleKind() != ast.MultiValue {
				return nil, fmt.Errorf("line %d: %s must be a set: write %q", rule.Location.Row, head, head+" contains …")
			}
			heads = append(heads, head)
			break
		}
	}
	return heads, nil
}

// ruleOf reads the METADATA of scope package. Values it does not know are
// errors: a misspelt enforcement must not become a rule that enforces nothing.
func ruleOf(module *ast.Module) (Rule, error) {
	last := module.Package.Path[len(module.Package.Path)-1].Value.(ast.String)
	rule := Rule{Name: strings.ReplaceAll(string(last), "_", "-"), Enforcement: EnforceDeny}
	index := slices.IndexFunc(module.Annotations, func(a *ast.Annotations) bool { return a.Scope == "package" })
	if index < 0 {
		return rule, nil
	}
	annotations := module.Annotations[index]
	rule.Title = annotations.Title
	rule.Description = strings.TrimSpace(annotations.Description)
	for key, value := range annotations.Custom {
		if err := rule.set(key, value); err != nil {
			return Rule{}, err
		}
	}
	return rule, nil
}

func (r *Rule) set(key string, value any) error {
	var ok bool
	switch key {
	case "enforcement":
		var text string
		text, ok = value.(string)
		r.Enforcement = Enforcement(text)
		ok = ok && slices.Contains([]Enforcement{EnforceDeny, EnforceWarn, EnforceOff}, r.Enforcement)
	case "early":
		r.Early, ok = value.(bool)
	case "fix":
		r.Fix, ok = value.(string)
	default:
		return fmt.Errorf("custom.%s is not known; known are early, enforcement and fix", key)
	}
	if !ok {
		return fmt.Errorf("custom.%s: %v is not a value it may have", key, value)
	}
	return nil
}
