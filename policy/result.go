package policy

import (
	"fmt"
	"time"

	"github.com/open-policy-agent/opa/v1/rego"
	"k8s.io/apimachinery/pkg/labels"

	"reprise.dev/reprise/internal/oneline"
)

// resultVariable is the query's variable for all results.
const resultVariable = "results"

// collector builds a verdict from a query's results.
type collector struct {
	Verdict
	*program
	overrides Overrides
	who       subject
	now       time.Time
	// in holds the Deployment, whose items name fields.
	in Input
}

func newCollector(p *program, overrides Overrides, in Input) *collector {
	return &collector{program: p, overrides: overrides, who: subjectOf(in.Request), now: in.Now, in: in}
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

// collect adds the results of one evaluation: a list of [rule number, head number, values].
func (r *collector) collect(results rego.ResultSet) error {
	for _, result := range results {
		list, isList := result.Bindings[resultVariable].([]any)
		if !isList {
			return fmt.Errorf("reading results: %T is not a list", result.Bindings[resultVariable])
		}
		var entries []entry
		for _, value := range list {
			e, err := readEntry(value)
			if err != nil {
				return err
			}
			if e.rule < 0 || e.rule >= len(r.rules) || e.head < 0 || e.head >= len(r.heads[e.rule]) {
				return fmt.Errorf("reading results: no rule has number %d.%d", e.rule, e.head)
			}
			entries = append(entries, e)
		}
		excepted := r.exceptions(entries)
		for _, e := range entries {
			h := r.heads[e.rule][e.head]
			if h.kind == headException || excepted[[2]string{r.rules[e.rule].Name, h.exceptName}] && (h.kind == headDeny || h.kind == headViolation) {
				continue
			}
			for _, value := range h.results(e.values) {
				r.add(r.rules[e.rule], h.kind, value)
			}
		}
	}
	return nil
}

// exceptions returns the names, by their rule, that the exceptions of a policy list: each is a list
// of names, of which an empty one is that of deny and violation themselves
// (https://www.conftest.dev/exceptions/).
func (r *collector) exceptions(entries []entry) map[[2]string]bool {
	excepted := map[[2]string]bool{}
	for _, e := range entries {
		if r.heads[e.rule][e.head].kind != headException {
			continue
		}
		for _, value := range e.values {
			names, _ := value.([]any)
			for _, name := range names {
				if text, isText := name.(string); isText {
					excepted[[2]string{r.rules[e.rule].Name, text}] = true
				}
			}
		}
	}
	return excepted
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
	if !r.covered(rule) {
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
	exemption, alive := r.overrides.exemption(rule.Name, r.who, r.now)
	switch {
	case alive:
		r.Exempted = append(r.Exempted, Exempted{Violation: violation, Reason: oneline.Of(exemption.Reason), Until: exemption.Until()})
		return
	case exemption != nil:
		violation.Message += fmt.Sprintf(" (its exemption expired after %s)", exemption.Until())
	}
	r.Violations = append(r.Violations, violation)
}

// covered reports whether a rule applies to the request.
func (r *collector) covered(rule Rule) bool {
	if !rule.Namespaces.Covers(r.who.namespace) {
		return false
	}
	if rule.labels == nil {
		return true
	}
	set := labels.Set{}
	if rule.onPod {
		if pod := r.in.Effective.Pod; pod != nil {
			set = pod.Labels
		}
		return rule.labels.Matches(set)
	}
	metadata, _ := r.object()["metadata"].(map[string]any)
	own, _ := metadata["labels"].(map[string]any)
	for key, value := range own {
		set[key], _ = value.(string)
	}
	return rule.labels.Matches(set)
}

// fail adds an evaluation error. For a rule that cannot deny, the error counts as a violation by
// the rule's enforcement.
func (r *collector) fail(rule Rule, kind ErrorKind, reason string) {
	failure := RuleError{Rule: rule.Name, Kind: kind, Reason: oneline.Of(reason)}
	_, exempt := r.overrides.exemption(rule.Name, r.who, r.now)
	if rule.Enforcement != EnforceDeny || exempt || !r.covered(rule) {
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
