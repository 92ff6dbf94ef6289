package webhook

import (
	"slices"
	"strings"
	"time"

	admissionv1 "k8s.io/api/admission/v1"

	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/policy"
)

// Observer counts what the handlers do. It is called while the API server waits, and must not
// block.
type Observer interface {
	// Admitted is told of the last word on a write that was judged: allowed, warned, denied,
	// quarantined or unchecked.
	Admitted(decision, operation string, dryRun bool)
	// Answered is told how long an answer took in a phase, and Evaluated how long the policies took of
	// it.
	Answered(phase string, took time.Duration)
	Evaluated(phase string, took time.Duration)
	// Violated is told of each policy that objected to a write that was no dry run, by what its
	// enforcement makes of it.
	Violated(policy, enforcement string)
	// EvaluationFailed is told of each policy that could not judge a write that was no dry run, and
	// why.
	EvaluationFailed(policy, reason string)
}

// What a write came to.
const (
	decisionAllowed     = "allowed"
	decisionWarned      = "warned"
	decisionDenied      = "denied"
	decisionQuarantined = "quarantined"
	decisionUnchecked   = "unchecked"
	// decisionSkipped is for what no policy is asked about; it is in the log, and is not counted.
	decisionSkipped = "unjudged"
)

// exempted is the enforcement under which a denial that an exemption spares is counted, as the
// audit counts it.
const exempted = "exempt"

// outcome is a review's answer, and what the log and the metrics say of it.
type outcome struct {
	response *admissionv1.AdmissionResponse
	// denial is what is to be told of a denial; nil where nobody is to be told.
	denial   *denial
	decision string
	// reason is why nothing was judged, for decisionUnjudged.
	reason  string
	verdict policy.Verdict
	// dryRun is what policies on trial object to.
	dryRun []string
}

// skipped is the answer to what no policy is asked about.
func skipped(reason string) outcome {
	return outcome{response: allowed(reason), decision: decisionSkipped, reason: reason}
}

// decision is what findings come to.
func (f findings) decision() string {
	switch {
	case f.quarantine != 0:
		return decisionQuarantined
	case len(f.denials) > 0:
		return decisionDenied
	case f.unchecked != "":
		return decisionUnchecked
	case len(f.warnings) > 0:
		return decisionWarned
	default:
		return decisionAllowed
	}
}

// lastWord says whether a review's answer decides: one that passes the early phase is judged once
// more.
func (h *Handler) lastWord(a outcome) bool {
	return h.phase == policy.Final || !a.response.Allowed
}

// observe counts an answer and writes its line into the log: one for each write, whichever phase
// decides it.
func (h *Handler) observe(r *review, a outcome, took time.Duration) {
	h.Observer.Answered(h.phase.String(), took)
	level := 0
	if h.lastWord(a) {
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
		values = append(values, "trial", diff.MaskText(strings.Join(a.dryRun, "; ")))
	}
	if a.response.Result != nil {
		values = append(values, "message", diff.MaskText(a.response.Result.Message))
	}
	h.Log.V(level).Info("Decided", values...)
}

func (h *Handler) count(r *review, a outcome) {
	if a.decision == decisionSkipped {
		return
	}
	h.Observer.Admitted(a.decision, strings.ToLower(string(r.operation)), r.dryRun)
	if r.dryRun {
		return
	}
	for enforcement, rules := range violationsByEnforcement(a.verdict) {
		for _, rule := range rules {
			h.Observer.Violated(rule, enforcement)
		}
	}
	for _, failure := range a.verdict.Errors {
		h.Observer.EvaluationFailed(failure.Rule, failure.Kind.String())
	}
}

// violationsByEnforcement are the rules that object, each once, by what their enforcement makes of
// it.
func violationsByEnforcement(v policy.Verdict) map[string][]string {
	found := map[string][]string{}
	for enforcement, violations := range map[policy.Enforcement][]policy.Violation{
		policy.EnforceDeny: v.Violations, policy.EnforceWarn: v.Warnings, policy.EnforceDryRun: v.DryRun,
	} {
		for _, violation := range violations {
			found[string(enforcement)] = append(found[string(enforcement)], violation.Rule)
		}
	}
	for _, e := range v.Exempted {
		found[exempted] = append(found[exempted], e.Rule)
	}
	for enforcement, rules := range found {
		slices.Sort(rules)
		found[enforcement] = slices.Compact(rules)
	}
	return found
}

// rulesOf are the rules that a decision rests on: those that object, those that an exemption
// spares, and those that could not judge.
func rulesOf(v policy.Verdict) []string {
	rules := []string{}
	for enforcement, names := range violationsByEnforcement(v) {
		if enforcement != string(policy.EnforceDryRun) {
			rules = append(rules, names...)
		}
	}
	for _, failure := range v.Errors {
		rules = append(rules, failure.Rule)
	}
	slices.Sort(rules)
	return slices.Compact(rules)
}

// label names the object of a review in the log; on creation with generateName there is no name
// yet.
func (r *review) label() string {
	if r.object == nil {
		return r.name
	}
	return r.workload().Name
}
