package policy

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/open-policy-agent/opa/v1/rego"

	"reprise.dev/reprise/internal/oneline"
)

// resultVariable is the query's variable for all results.
const resultVariable = "results"

// collector builds a verdict from a query's results.
type collector struct {
	Verdict
	rules []Rule
	terms Overrides
	who   subject
	now   time.Time
	// in holds the Deployment, whose items name fields.
	in Input
}

func newCollector(rules []Rule, terms Overrides, in Input) *collector {
	return &collector{rules: rules, terms: terms, who: subjectOf(in.Request), now: in.Now, in: in}
}

// object returns the decoded Deployment.
func (r *collector) object() map[string]any {
	if in, err := r.in.withObjects(); err == nil {
		r.in = in
	}
	object, _ := r.in.Request["object"].(map[string]any)
	return object
}

func (r *collector) verdict() Verdict {
	r.settle()
	return r.Verdict
}

// collect adds the results of one evaluation: a list of [rule number, head, set of results].
func (r *collector) collect(results rego.ResultSet) error {
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
			if number < 0 || number >= len(r.rules) {
				return fmt.Errorf("reading results: no rule has number %d", number)
			}
			for _, value := range values {
				r.add(r.rules[number], head, value)
			}
		}
	}
	return nil
}

// add adds one result by its head and the rule's enforcement.
func (r *collector) add(rule Rule, head string, value any) {
	violation, ok := readViolation(value)
	if !ok {
		r.fail(rule, Broken, fmt.Sprintf("%s holds %T: it must be a message or an object with msg", head, value))
		return
	}
	if head == headCannotTell {
		r.fail(rule, NoData, violation.Message)
		return
	}
	violation.Rule = rule.Name
	if violation.Path != "" {
		violation.Field = scoreField(violation.Path, r.object())
	}
	if violation.Fix == "" {
		violation.Fix = rule.Fix
	}
	enforcement := rule.Enforcement
	if head == headWarn && enforcement == EnforceDeny {
		enforcement = EnforceWarn
	}
	r.addViolation(rule, enforcement, violation)
}

// addViolation adds a violation by its enforcement, if the rule applies to the namespace and no
// exemption is active.
func (r *collector) addViolation(rule Rule, enforcement Enforcement, violation Violation) {
	if !rule.Namespaces.Covers(r.who.namespace) {
		return
	}
	switch enforcement {
	case EnforceDryRun:
		r.DryRun = append(r.DryRun, violation)
		return
	case EnforceWarn:
		r.Warnings = append(r.Warnings, violation)
		return
	}
	exemption, alive := r.terms.exemption(rule.Name, r.who, r.now)
	switch {
	case alive:
		r.Exempted = append(r.Exempted, Exempted{Violation: violation, Reason: oneline.Of(exemption.Reason), Until: exemption.Until()})
		return
	case exemption != nil:
		violation.Message += fmt.Sprintf(" (its exemption expired after %s)", exemption.Until())
	}
	r.Violations = append(r.Violations, violation)
}

// fail adds an evaluation error. For a rule that cannot deny, the error counts as a violation by
// the rule's enforcement.
func (r *collector) fail(rule Rule, kind ErrorKind, reason string) {
	failure := RuleError{Rule: rule.Name, Kind: kind, Reason: oneline.Of(reason)}
	_, exempt := r.terms.exemption(rule.Name, r.who, r.now)
	if rule.Enforcement != EnforceDeny || exempt || !rule.Namespaces.Covers(r.who.namespace) {
		r.addViolation(rule, rule.Enforcement, Violation{Rule: rule.Name, Message: failure.Line()})
		return
	}
	r.Errors = append(r.Errors, failure)
}

// readViolation reads a result: a message, or an object with msg and Reprise's own field (a path in
// the Deployment) and fix. These stand beside msg or in Gatekeeper's details.
func readViolation(value any) (Violation, bool) {
	if message, isText := value.(string); isText {
		return Violation{Message: oneline.Of(message)}, oneline.Of(message) != ""
	}
	object, isObject := value.(map[string]any)
	if !isObject {
		return Violation{}, false
	}
	details, _ := object["details"].(map[string]any)
	text := func(key string) string {
		value, isText := object[key].(string)
		if !isText {
			value, _ = details[key].(string)
		}
		return oneline.Of(value)
	}
	message, _ := object["msg"].(string)
	violation := Violation{Message: oneline.Of(message), Path: text("field"), Fix: text("fix")}
	return violation, violation.Message != ""
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
