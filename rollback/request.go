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

// Answer is what becomes of a request: somebody set an annotation of the workload. Each value is answered once, and
// the answer is noted in a Revision, since the annotation may stay for ever: GitOps would set it again.
type Answer struct {
	// Request is the annotation and its value.
	Request string
	// On is the revision that keeps the note.
	On *v1alpha1.WorkloadRevision
	// Outcome is what is noted and told; empty where nothing was asked.
	Outcome string
	// Granted says whether it is done; a request that is void was asked in vain.
	Granted bool
}

// AnswerRetry answers the request to lift the quarantine of a failed revision. The note lifts it.
func AnswerRetry(h history.History, d *appsv1.Deployment) Answer {
	value := d.Annotations[workload.RetryAnnotation]
	request := workload.RetryAnnotation + "=" + value
	if value == "" || len(h) == 0 || h.Answered(request) {
		return Answer{}
	}
	a := Answer{Request: request, On: h.Newest()}
	number, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		a.Outcome = "void: expected the number of a failed revision, such as 5"
		return a
	}
	failed := h.Number(number)
	switch {
	case failed == nil:
		a.Outcome = fmt.Sprintf("void: there is no revision #%d", number)
	case failed.Status.Phase != v1alpha1.PhaseFailed && failed.Status.Phase != v1alpha1.PhaseRolledBack:
		return Answer{} // Nothing refuses it; should it fail yet, it is answered then.
	default:
		a.On, a.Granted = failed, true
		a.Outcome = fmt.Sprintf("what failed as #%d is admitted once more; apply it again", number)
	}
	return a
}

// DecideRequest decides about the request to put a certain revision back. A decision None comes with the answer, if
// anything was asked; one that is held is decided again as long as the annotation stands.
func DecideRequest(h history.History, d *appsv1.Deployment) (Decision, Answer) {
	value := d.Annotations[workload.RollbackToAnnotation]
	request := workload.RollbackToAnnotation + "=" + value
	live := h.Newest()
	if value == "" || live == nil || IsOpen(live) || h.Answered(request) {
		return Decision{}, Answer{}
	}
	target, problem := requested(h, value)
	if problem != "" {
		return Decision{}, Answer{Request: request, On: live, Outcome: "void: " + problem}
	}
	if cause, reason := untouchable(d); cause != "" {
		return Decision{Action: Hold, Cause: cause, Reason: reason, Request: request}, Answer{}
	}
	return Decision{Action: RollBack, Target: target, Request: request}, Answer{}
}

// requested is the revision that a request such as 4@5 names, or says why there is none to put back.
func requested(h history.History, value string) (target *v1alpha1.WorkloadRevision, problem string) {
	to, from, found := strings.Cut(value, "@")
	wanted, err := strconv.ParseInt(to, 10, 64)
	expected, otherErr := strconv.ParseInt(from, 10, 64)
	if !found || err != nil || otherErr != nil {
		return nil, "expected the revision to go back to and the live one, such as 4@5"
	}
	live := h.Newest()
	target = h.Number(wanted)
	switch {
	case live.Spec.Number != expected:
		return nil, fmt.Sprintf("#%d is live, not #%d", live.Spec.Number, expected)
	case target == nil:
		return nil, fmt.Sprintf("there is no revision #%d", wanted)
	case target.Spec.IntentHash == live.Spec.IntentHash && target.Spec.FilesDigest == live.Spec.FilesDigest:
		return nil, fmt.Sprintf("#%d is what is live", wanted)
	case target.Status.Phase == v1alpha1.PhaseFailed || target.Status.Phase == v1alpha1.PhaseRolledBack:
		return nil, fmt.Sprintf("#%d failed: %s", wanted, target.Status.Error)
	default:
		return target, ""
	}
}
