package webhook

import (
	"slices"
	"strings"
	"time"

	"reprise.dev/reprise/internal/mask"
	"reprise.dev/reprise/policy"
)

// observe measures a response and writes it to the log. Each write has one line, by the phase that
// decides it.
func (h *Handler) observe(r *review, a outcome, took time.Duration) {
	h.Observer.Answered(h.phase.String(), took)
	level := 0
	if h.isFinal(a) {
		h.count(r, a)
	} else {
		level = 1
	}
	values := []any{
		"uid", r.uid, "user", r.user, "operation", r.operation, "namespace", r.namespace, "workload", r.label(),
		"dryRun", r.dryRun, "phase", h.phase.String(), "decision", a.decision, "rules", rulesOf(a.verdict),
		"milliseconds", float64(took.Microseconds()) / 1000, "policies", a.verdict.Policies,
	}
	if a.reason != "" {
		values = append(values, "reason", a.reason)
	}
	if len(a.dryRun) > 0 {
		values = append(values, "dryrunViolations", mask.Line(strings.Join(a.dryRun, "; ")))
	}
	if a.response.Result != nil {
		values = append(values, "message", mask.Line(a.response.Result.Message))
	}
	h.Log.V(level).Info("Decided", values...)
}

// rulesOf returns the sorted names of the rules behind a decision: violated, exempt and not
// evaluated ones.
func rulesOf(v policy.Verdict) []string {
	rules := []string{}
	for enforcement, names := range v.RulesByEnforcement() {
		if enforcement != policy.EnforceDryRun {
			rules = append(rules, names...)
		}
	}
	for _, failure := range v.Errors {
		rules = append(rules, failure.Rule)
	}
	slices.Sort(rules)
	return slices.Compact(rules)
}

// label returns the name of a review's object for the log; empty where it is created by
// generateName.
func (r *review) label() string {
	if r.object == nil {
		return r.name
	}
	return r.workload().Name
}
