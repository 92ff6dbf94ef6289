package rollback

import (
	"fmt"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/workload"
)

// Answer is what becomes of a request: somebody set an annotation of the workload. Each value is
// answered once, and the answer is noted in a revision, since the annotation may stay for ever:
// GitOps would set it again.
type Answer struct {
	// Request is the annotation and its value.
	Request string
	// On is the revision that keeps the note.
	On *v1alpha1.WorkloadRevision
	// Result and Message are noted and told. They are empty if nothing was asked.
	Result  v1alpha1.RequestResult
	Message string
}

// AnswerRetry answers the request to lift the quarantine of a failed revision. The note lifts it.
func AnswerRetry(h history.History, d *appsv1.Deployment) Answer {
	value := d.Annotations[v1alpha1.RetryAnnotation]
	request := history.BoundRequest(v1alpha1.RetryAnnotation, value)
	if value == "" || len(h) == 0 || h.Answered(request) {
		return Answer{}
	}
	a := Answer{Request: request, On: h.Newest(), Result: v1alpha1.RequestRejected}
	number, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		a.Message = "expected the number of a failed revision, such as 5"
		return a
	}
	failed := h.Number(number)
	switch {
	case failed == nil:
		a.Message = fmt.Sprintf("there is no revision #%d", number)
	case !failed.HasFailed():
		return Answer{} // It is not quarantined. If it fails later, the request is handled then.
	default:
		a.On, a.Result = failed, v1alpha1.RequestAccepted
		a.Message = fmt.Sprintf("the template that failed as #%d is admitted again; apply it", number)
	}
	return a
}

// DecideRequest decides about the request to roll back to a certain revision; allowed says whether
// the install takes such requests. A decision None comes with the answer, if anything was asked;
// one that is held is decided again as long as the annotation stands.
func DecideRequest(h history.History, d *appsv1.Deployment, settings workload.Settings, allowed bool) (Decision, Answer) {
	value := d.Annotations[v1alpha1.RollbackToAnnotation]
	request := history.BoundRequest(v1alpha1.RollbackToAnnotation, value)
	live := h.Newest()
	if value == "" || live == nil || live.IsRollbackOpen() || h.Answered(request) {
		return Decision{}, Answer{}
	}
	if !allowed {
		return Decision{}, Rejected(live, request, "this install takes no requests for a rollback (rollback.requests); apply the manifest of that version")
	}
	target, problem := requested(h, value)
	if problem != "" {
		return Decision{}, Rejected(live, request, problem)
	}
	if reason, message := untouchable(d); reason != "" {
		return Decision{Action: Hold, Reason: reason, Message: message, Request: request}, Answer{}
	}
	return Decision{Action: RollBack, Target: target, Pins: pinsOf(live, target, settings), Request: request}, Answer{}
}

// Rejected returns the answer to a request that is not granted.
func Rejected(live *v1alpha1.WorkloadRevision, request, why string) Answer {
	return Answer{Request: request, On: live, Result: v1alpha1.RequestRejected, Message: why}
}

// Denied returns why a requested revision is not restored: the active policies deny it.
// A rollback after a failure restores what ran before. A request deploys what a person wants.
func Denied(target *v1alpha1.WorkloadRevision, violations []string) string {
	return fmt.Sprintf("#%d violates the active policies: %s", target.Spec.Number, strings.Join(violations, "; "))
}

// requested returns the revision that a request such as 4@5 names, or the problem with it.
func requested(h history.History, value string) (target *v1alpha1.WorkloadRevision, problem string) {
	to, from, found := strings.Cut(value, "@")
	wanted, err := strconv.ParseInt(to, 10, 64)
	expected, otherErr := strconv.ParseInt(from, 10, 64)
	if !found || err != nil || otherErr != nil {
		return nil, "expected the revision to roll back to and the live one, such as 4@5"
	}
	live := h.Newest()
	target = h.Number(wanted)
	switch {
	case live.Spec.Number != expected:
		return nil, fmt.Sprintf("#%d is live, not #%d", live.Spec.Number, expected)
	case target == nil:
		return nil, fmt.Sprintf("there is no revision #%d", wanted)
	case target.RunsSame(live):
		return nil, fmt.Sprintf("#%d is already live", wanted)
	case target.IsRedacted():
		return nil, fmt.Sprintf("#%d was redacted and cannot be restored", wanted)
	case target.HasFailed():
		return nil, fmt.Sprintf("#%d failed: %s", wanted, target.FailureMessage())
	default:
		return target, ""
	}
}
