package webhook

import (
	"strings"
	"time"
)

// Observer counts what the handlers do. It is called while the API server waits, and must not
// block.
type Observer interface {
	// Admitted counts the final decision on a write: allowed, warned, denied, quarantined or
	// unchecked.
	Admitted(decision, operation string, dryRun bool)
	// Answered measures a response of a phase, and Evaluated the evaluation of the policies in it.
	Answered(phase string, took time.Duration)
	Evaluated(phase string, took time.Duration)
	// Violated counts a policy that a write violates, by its enforcement. Dry runs are not counted.
	Violated(policy, enforcement string)
	// EvaluationFailed counts a policy that could not be evaluated, by the reason. Dry runs are not
	// counted.
	EvaluationFailed(policy, reason string)
}

func (h *Handler) count(r *review, a outcome) {
	if a.decision == decisionSkipped {
		return
	}
	h.Observer.Admitted(a.decision, strings.ToLower(string(r.operation)), r.dryRun)
	if r.dryRun {
		return
	}
	for enforcement, rules := range a.verdict.RulesByEnforcement() {
		for _, rule := range rules {
			h.Observer.Violated(rule, string(enforcement))
		}
	}
	for _, failure := range a.verdict.Errors {
		h.Observer.EvaluationFailed(failure.Rule, failure.Kind.String())
	}
}
