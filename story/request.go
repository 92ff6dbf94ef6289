package story

import (
	"fmt"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/internal/mask"
)

// Request is a rollback that was requested.
type Request struct {
	// Annotation and its value, as in a revision's status.requests.
	Annotation string
	// From is the revision that was live then, and Held why a rollback of it was held already.
	From int64
	Held string
}

// RollbackRequestStatus returns how far a requested rollback is. Reprise answers a request once.
// After that, it is the progress of the restored revision, until there is a verdict.
func (w Workload) RollbackRequestStatus(q Request) Progress {
	answer := w.Answer(q.Annotation)
	if answer == nil {
		return w.unanswered(q)
	}
	if answer.Result != v1alpha1.RequestAccepted {
		return Progress{State: Failed, Message: mask.Line(answer.Message)}
	}
	put := w.History.Number(q.From + 1)
	if put == nil || put.Spec.RollbackOf != q.From {
		return Progress{Message: mask.Line(answer.Message)}
	}
	ready, wanted := pods(w.Deployment)
	message := fmt.Sprintf("#%d runs as #%d, which is %s, %d of %d pods ready", put.Spec.RestoredFrom, put.Spec.Number, phase(put), ready, wanted)
	switch {
	case put.Status.Phase == v1alpha1.PhaseHealthy:
		return Progress{State: Healthy, Message: message}
	case put.HasFailed():
		return Progress{State: Failed, Message: message + ": " + mask.Line(put.FailureMessage())}
	case put.Status.Phase == v1alpha1.PhaseSuperseded:
		return Progress{State: Superseded, Message: w.superseded(put)}
	default:
		return Progress{Message: message}
	}
}

// unanswered returns what keeps a request from being answered.
func (w Workload) unanswered(q Request) Progress {
	requested, newest := w.History.Number(q.From), w.History.Newest()
	switch {
	case requested != nil && requested.RollbackHold() != nil && requested.HoldMessage() != q.Held:
		return Progress{State: Failed, Message: "rollback on hold: " + mask.Line(requested.HoldMessage())}
	case newest != nil && newest.Spec.Number != q.From && newest.Spec.RollbackOf != q.From:
		return Progress{State: Superseded, Message: fmt.Sprintf("superseded by #%d, which was deployed in the meantime", newest.Spec.Number)}
	default:
		return Progress{Message: "requested by " + q.Annotation}
	}
}

// Answer returns the answer to a request, which is an annotation and its value. It is nil where
// there is none yet.
func (w Workload) Answer(request string) *v1alpha1.Request {
	for i := range w.History {
		for j := range w.History[i].Status.Requests {
			if a := &w.History[i].Status.Requests[j]; a.Request == request {
				return a
			}
		}
	}
	return nil
}

// RetryStatus returns how far a request to lift a quarantine is.
func (w Workload) RetryStatus(annotation string) Progress {
	answer := w.Answer(annotation)
	switch {
	case answer == nil:
		return Progress{Message: "requested by " + annotation}
	case answer.Result == v1alpha1.RequestAccepted:
		return Progress{State: Healthy, Message: mask.Line(answer.Message)}
	default:
		return Progress{State: Failed, Message: mask.Line(answer.Message)}
	}
}

// NoFailure returns why there is no quarantine to lift. The revision is the one that the user
// named, nil where they named none.
func NoFailure(w Workload, r *v1alpha1.WorkloadRevision) string {
	if r == nil {
		return fmt.Sprintf("no stored revision of %s has failed", w.Name)
	}
	return fmt.Sprintf("%s #%d is %s, and only failed revisions are quarantined", w.Name, r.Spec.Number, phase(r))
}
