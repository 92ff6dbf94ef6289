package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"reprise.dev/reprise/internal/oneline"
)

// Enforcement is what a rule's denials come to.
type Enforcement string

// The enforcements that a rule's METADATA may state.
const (
	EnforceDeny Enforcement = "deny"
	EnforceWarn Enforcement = "warn"
	// EnforceDryRun judges and logs, and tells the deployer nothing.
	EnforceDryRun Enforcement = "dryrun"
	EnforceOff    Enforcement = "off"
)

// Valid says whether an enforcement is one of those that there are.
func (e Enforcement) Valid() bool {
	return slices.Contains([]Enforcement{EnforceDeny, EnforceWarn, EnforceDryRun, EnforceOff}, e)
}

// Rule is what a policy's METADATA says of it, and what the install's terms make of that.
type Rule struct {
	// Name is the last part of the package, with dashes: requests-within-limits.
	Name        string
	Title       string
	Description string
	// Fix says in general how to repair what the rule finds; a violation may be more exact.
	Fix         string
	Enforcement Enforcement
	// Namespaces is where it is judged; empty means everywhere.
	Namespaces Scope
	// Early rules are also judged in the mutating phase, on the template as
	// written: they find what the API server's own validation would refuse
	// before any validating webhook is asked (FACTS: the order of admission).
	Early bool
}

// ruleOf reads the METADATA of scope package. Values it does not know are
// errors: a misspelt enforcement must not become a rule that enforces nothing.
func ruleOf(module *ast.Module) (rule Rule, described bool, err error) {
	if err := misplaced(module); err != nil {
		return Rule{}, false, err
	}
	path := module.Package.Path
	name, isText := path[len(path)-1].Value.(ast.String)
	if !isText || len(path) < 2 {
		return Rule{}, false, fmt.Errorf("package %s has no name that ends in a word", path)
	}
	rule = Rule{Name: strings.ReplaceAll(string(name), "_", "-"), Enforcement: EnforceDeny}
	index := slices.IndexFunc(module.Annotations, func(a *ast.Annotations) bool { return a.Scope == "package" })
	if index < 0 {
		return rule, false, nil
	}
	annotations := module.Annotations[index]
	rule.Title = annotations.Title
	rule.Description = strings.TrimSpace(annotations.Description)
	for _, key := range slices.Sorted(maps.Keys(annotations.Custom)) {
		if err := rule.set(key, annotations.Custom[key]); err != nil {
			return Rule{}, false, err
		}
	}
	return rule, true, nil
}

// misplaced finds settings of a policy that stand anywhere but before its package, where they would
// set nothing.
func misplaced(module *ast.Module) error {
	for _, annotations := range module.Annotations {
		for _, key := range []string{"enforcement", "early", "fix"} {
			if _, set := annotations.Custom[key]; set && annotations.Scope != "package" {
				return fmt.Errorf("line %d: custom.%s counts only before the package", annotations.Location.Row, key)
			}
		}
	}
	return nil
}

func (r *Rule) set(key string, value any) error {
	var ok bool
	switch key {
	case "enforcement":
		var text string
		text, ok = value.(string)
		r.Enforcement = Enforcement(text)
		ok = ok && r.Enforcement.Valid()
	case "early":
		r.Early, ok = value.(bool)
	case "fix":
		r.Fix, ok = value.(string)
		r.Fix = oneline.Of(r.Fix)
	default:
		return fmt.Errorf("custom.%s is not known; known are early, enforcement and fix", key)
	}
	if !ok {
		return fmt.Errorf("custom.%s: %v is not a value it may have", key, value)
	}
	return nil
}
