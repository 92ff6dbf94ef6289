package policy

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/open-policy-agent/opa/v1/rego"

	"reprise.dev/reprise/internal/oneline"
)

// resultVariable is the variable of the query that holds all results.
const resultVariable = "results"

// reading turns what a query found into a verdict.
type reading struct {
	Verdict
	rules []Rule
	terms Overrides
	who   subject
	now   time.Time
	// in holds the Deployment, whose items name fields.
	in Input
}

func newReading(rules []Rule, terms Overrides, in Input) *reading {
	return &reading{rules: rules, terms: terms, who: subjectOf(in.Request), now: in.Now, in: in}
}

// object is the Deployment as decoded.
func (r *reading) object() map[string]any {
	if in, err := r.in.whole(); err == nil {
		r.in = in
	}
	object, _ := r.in.Request["object"].(map[string]any)
	return object
}

func (r *reading) settled() Verdict {
	r.settle()
	return r.Verdict
}

// collect adds one evaluation's results to the verdict. They come as the query
// states them: a list of [rule number, head, set of results].
func (r *reading) collect(results rego.ResultSet) error {
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

// add puts one result where its head and the rule's enforcement say it belongs.
func (r *reading) add(rule Rule, head string, value any) {
	violation, ok := readViolation(value)
	if !ok {
		r.fail(rule, Broken, fmt.Sprintf("%s holds %T: it must be a message or an object with msg", head, value))
		return
	}
	if head == headCannotTell {
		r.fail(rule, CannotTell, violation.Message)
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
	r.put(rule, enforcement, violation)
}

// put files a violation by its enforcement, within the rule's scope and unless exempted.
func (r *reading) put(rule Rule, enforcement Enforcement, violation Violation) {
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

// fail files that a rule could not be judged. Where it could not have denied,
// that is no more than what it could have said.
func (r *reading) fail(rule Rule, kind ErrorKind, reason string) {
	failure := RuleError{Rule: rule.Name, Kind: kind, Reason: oneline.Of(reason)}
	_, exempt := r.terms.exemption(rule.Name, r.who, r.now)
	if rule.Enforcement != EnforceDeny || exempt || !rule.Namespaces.Covers(r.who.namespace) {
		r.put(rule, rule.Enforcement, Violation{Rule: rule.Name, Message: failure.Line()})
		return
	}
	r.Errors = append(r.Errors, failure)
}

// readViolation accepts what policies are used to state: a message, or an
// object with msg and, of our own, field (a path in the Deployment) and fix,
// beside msg or among Gatekeeper's details.
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
