package policy

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// The kinds of results that a policy may state: deny and warn as in Conftest, violation as in
// Gatekeeper, cannot_tell for a question that the input leaves open, exception for rules that do
// not apply (Conftest), and allow for a decision as in plain OPA.
const (
	headDeny       = "deny"
	headViolation  = "violation"
	headWarn       = "warn"
	headCannotTell = "cannot_tell"
	headException  = "exception"
	headAllow      = "allow"
)

// resultName matches the names of rules with results, such as deny and deny_root. The second group
// is the name by which an exception calls the rule.
var resultName = regexp.MustCompile(`^(?:(deny|violation|warn)(?:_(.+))?|(cannot_tell)|(exception))$`)

// head is a rule of a policy that states results.
type head struct {
	// name is the rule's own, and kind what its results are.
	name, kind string
	// exceptName is the name by which an exception calls it.
	exceptName string
	// set reports whether the rule is a set of results. Otherwise it has one value: a list of
	// results, one result, or whether there is one.
	set bool
}

// headsOf returns the results that a module defines, in a fixed order. A module without others may
// decide by allow.
func headsOf(module *ast.Module) ([]head, error) {
	found := map[string]head{}
	allows := false
	for _, rule := range module.Rules {
		name, isName := rule.Head.Ref()[0].Value.(ast.Var)
		if len(rule.Head.Args) > 0 || !isName {
			continue // Functions have no results.
		}
		parts := resultName.FindStringSubmatch(string(name))
		if parts == nil {
			allows = allows || string(name) == headAllow && len(rule.Head.Ref()) == 1
			continue
		}
		h := head{name: string(name), kind: parts[1] + parts[3] + parts[4], exceptName: parts[2]}
		h.set = rule.Head.RuleKind() == ast.MultiValue
		if len(rule.Head.Ref()) > 1 || !h.set && (h.kind == headException || h.kind == headCannotTell) {
			return nil, fmt.Errorf("%d: %s must be a set: write %q", rule.Location.Row, name, string(name)+" contains …")
		}
		found[h.name] = h
	}
	if len(found) == 0 && allows {
		found[headAllow] = head{name: headAllow, kind: headAllow}
	}
	return sortHeads(found), nil
}

func sortHeads(found map[string]head) []head {
	var heads []head
	for _, h := range found {
		heads = append(heads, h)
	}
	slices.SortFunc(heads, func(a, b head) int { return strings.Compare(a.name, b.name) })
	return heads
}

// entry returns the part of a query that reads a head's results. A rule with one value may be
// undefined, and must not make the query undefined.
func (h head) entry(number, index int, pkg ast.Ref) string {
	ref := pkg.Append(ast.StringTerm(h.name))
	if h.set {
		return fmt.Sprintf("[%d, %d, %s]", number, index, ref)
	}
	return fmt.Sprintf("[%d, %d, [v | v := %s]]", number, index, ref)
}

// results returns the results in the values that a query has of a head.
func (h head) results(values []any) []any {
	if h.set {
		return values
	}
	if h.kind == headAllow {
		if len(values) == 1 && values[0] == true {
			return nil
		}
		return []any{"the policy does not allow it"}
	}
	var results []any
	for _, value := range values {
		switch value := value.(type) {
		case bool:
			if value {
				results = append(results, "the policy denies it, without a message")
			}
		case nil:
		case []any:
			results = append(results, value...)
		default:
			results = append(results, value)
		}
	}
	return results
}

// entry is what a query has of one head of one rule.
type entry struct {
	rule, head int
	values     []any
}

// readEntry reads one [rule number, head number, list of values].
func readEntry(value any) (entry, error) {
	fields, _ := value.([]any)
	if len(fields) != 3 {
		return entry{}, fmt.Errorf("reading results: %v is not an entry", value)
	}
	var e entry
	for i, into := range []*int{&e.rule, &e.head} {
		digits, isNumber := fields[i].(json.Number)
		if !isNumber {
			return entry{}, fmt.Errorf("reading results: %v is not an entry", value)
		}
		wide, err := digits.Int64()
		if err != nil {
			return entry{}, fmt.Errorf("reading results: %w", err)
		}
		*into = int(wide)
	}
	var isList bool
	if e.values, isList = fields[2].([]any); !isList {
		return entry{}, fmt.Errorf("reading results: %v is not an entry", value)
	}
	return e, nil
}
