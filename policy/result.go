package policy

import (
	"encoding/json"
	"fmt"

	"github.com/open-policy-agent/opa/v1/rego"
)

// resultVariable is the variable of the query that holds all results.
const resultVariable = "results"

// collect adds one evaluation's results to a verdict. They come as the query
// states them: a list of [rule number, head, set of results].
func (v *Verdict) collect(results rego.ResultSet, rules []Rule, template map[string]any) error {
	for _, result := range results {
		entries, isList := result.Bindings[resultVariable].([]any)
		if !isList {
			return fmt.Errorf("reading results: %T is not a list", result.Bindings[resultVariable])
		}
		for _, entry := range entries {
			number, head, values, err := readEntry(entry)
			if err != nil {
				return err
			}
			if number < 0 || number >= len(rules) {
				return fmt.Errorf("reading results: no rule has number %d", number)
			}
			for _, value := range values {
				v.add(rules[number], head, value, template)
			}
		}
	}
	return nil
}

// add puts one result where its head and the rule's enforcement say it belongs.
func (v *Verdict) add(rule Rule, head string, value any, template map[string]any) {
	violation, ok := readViolation(value)
	if !ok {
		v.Errors = append(v.Errors, RuleError{
			Rule: rule.Name, Kind: Broken,
			Reason: fmt.Sprintf("%s holds %T: it must be a message or an object with msg", head, value),
		})
		return
	}
	if head == headCannotTell {
		v.Errors = append(v.Errors, RuleError{Rule: rule.Name, Kind: CannotTell, Reason: violation.Message})
		return
	}
	violation.Rule = rule.Name
	violation.Field = scoreField(violation.Path, template)
	if head == headWarn || rule.Enforcement == EnforceWarn {
		v.Warnings = append(v.Warnings, violation)
		return
	}
	v.Violations = append(v.Violations, violation)
}

// readViolation accepts what policies are used to state: a message, or an
// object with msg and, of our own, field (a path in the Deployment) and fix.
func readViolation(value any) (Violation, bool) {
	if message, isText := value.(string); isText {
		return Violation{Message: oneLine(message)}, message != ""
	}
	object, isObject := value.(map[string]any)
	if !isObject {
		return Violation{}, false
	}
	message, _ := object["msg"].(string)
	field, _ := object["field"].(string)
	fix, _ := object["fix"].(string)
	return Violation{Message: oneLine(message), Path: oneLine(field), Fix: oneLine(fix)}, message != ""
}

// readEntry reads one [rule number, head, set of results].
func readEntry(entry any) (number int, head string, values []any, err error) {
	fields, _ := entry.([]any)
	if len(fields) != 3 {
		return 0, "", nil, fmt.Errorf("reading results: %v is not an entry", entry)
	}
	digits, isNumber := fields[0].(json.Number)
	head, isText := fields[1].(string)
	values, isSet := fields[2].([]any)
	if !isNumber || !isText || !isSet {
		return 0, "", nil, fmt.Errorf("reading results: %v is not an entry", entry)
	}
	wide, err := digits.Int64()
	if err != nil {
		return 0, "", nil, fmt.Errorf("reading results: %w", err)
	}
	return int(wide), head, values, nil
}
