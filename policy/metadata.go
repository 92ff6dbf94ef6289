package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/open-policy-agent/opa/v1/ast"
	"k8s.io/apimachinery/pkg/labels"

	"reprise.dev/reprise/internal/oneline"
)

// Enforcement is the effect of a rule's violations.
type Enforcement string

// The enforcements that a rule's METADATA may state.
const (
	EnforceDeny Enforcement = "deny"
	EnforceWarn Enforcement = "warn"
	// EnforceDryRun evaluates and logs, without a word to the deployer.
	EnforceDryRun Enforcement = "dryrun"
	EnforceOff    Enforcement = "off"
)

// Valid reports whether an enforcement exists.
func (e Enforcement) Valid() bool {
	return slices.Contains([]Enforcement{EnforceDeny, EnforceWarn, EnforceDryRun, EnforceOff}, e)
}

// Rule is a policy's METADATA under the install's overrides.
type Rule struct {
	// Name is the last part of the package, with dashes: requests-within-limits.
	Name        string
	Title       string
	Description string
	// Fix says in general how to repair what the rule finds; a violation may be more exact.
	Fix         string
	Enforcement Enforcement
	// Namespaces is where the rule applies; empty means everywhere.
	Namespaces Scope
	// Early rules are also evaluated in the mutating phase, on the template as written. They find
	// errors that the API server's own validation would report before it calls a validating webhook.
	Early bool

	// labels selects the objects to which the rule applies; nil means all. Their labels are those of
	// the effective pod if onPod is true.
	labels labels.Selector
	onPod  bool
}

// ruleOf reads the METADATA of scope package. Unknown values are errors, so that a misspelt
// enforcement does not disable a rule.
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

// misplaced finds settings of a policy outside the METADATA of its package, where they would have
// no effect.
func misplaced(module *ast.Module) error {
	for _, annotations := range module.Annotations {
		for _, key := range []string{"enforcement", "early", "fix"} {
			if _, set := annotations.Custom[key]; set && annotations.Scope != "package" {
				return fmt.Errorf("line %d: custom.%s has an effect only before the package", annotations.Location.Row, key)
			}
		}
	}
	return nil
}

// misspelt returns an error for a setting that is nearly one of Reprise's. Others are for other
// tools.
func misspelt(key string) error {
	for _, setting := range []string{"early", "enforcement", "fix"} {
		if distance := levenshtein.ComputeDistance(strings.ToLower(key), setting); distance <= len(setting)/4 {
			return fmt.Errorf("unknown setting custom.%s: did you mean custom.%s?", key, setting)
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
		return misspelt(key)
	}
	if !ok {
		return fmt.Errorf("custom.%s: invalid value %v", key, value)
	}
	return nil
}
