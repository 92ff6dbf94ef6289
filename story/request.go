package story

import (
	"fmt"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/internal/oneline"
)

// Request is a rollback that was asked for.
type Request struct {
	// Annotation and its value, as in a Revision's status.requests.
	Annotation string
	// From is the revision that was live then, and Held why a rollback of it was held already.
	From int64
	Held string
}

// RollbackRequestStatus is where a request to put a revision back stands: it is answered once, and what it put back is followed until
// there is a verdict.
func (w Workload) RollbackRequestStatus(q Request) Progress {
	answer := w.Answer(q.Annotation)
	if answer == nil {
		return w.unanswered(q)
	}
	if !answer.Granted {
		return Progress{State: Failed, Message: oneline.Of(answer.Outcome)}
	}
	put := w.History.Number(q.From + 1)
	if put == nil || put.Spec.RollbackOf != q.From {
		return Progress{Message: oneline.Of(answer.Outcome)}
	}
	ready, wanted := pods(w.Deployment)
	says := fmt.Sprintf("#%d runs as #%d, which is %s, %d of %d pods ready", put.Spec.RestoredFrom, put.Spec.Number, phase(put), ready, wanted)
	switch put.Status.Phase {
	case v1alpha1.PhaseHealthy:
		return Progress{State: Healthy, Message: says}
	case v1alpha1.PhaseFailed, v1alpha1.PhaseRolledBack:
		return Progress{State: Failed, Message: says + ": " + oneline.Of(put.Status.Error)}
	case v1alpha1.PhaseSuperseded:
		return Progress{State: Superseded, Message: w.superseded(put)}
	default:
		return Progress{Message: says}
	}
}

// unanswered says what keeps a request from being answered.
func (w Workload) unanswered(q Request) Progress {
	asked, newest := w.History.Number(q.From), w.History.Newest()
	switch {
	case asked != nil && asked.Status.Hold != "" && asked.Status.Hold != q.Held:
		return Progress{State: Failed, Message: "it is held: " + oneline.Of(asked.Status.Hold)}
	case newest != nil && newest.Spec.Number != q.From && newest.Spec.RollbackOf != q.From:
		return Progress{State: Superseded, Message: fmt.Sprintf("#%d was deployed meanwhile, and wins", newest.Spec.Number)}
	default:
		return Progress{Message: "asked for by " + q.Annotation}
	}
}

// Answer is the answer to a request, an annotation and its value; nil where there is none yet.
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

// RetryStatus is where a request to admit once more what failed stands.
func (w Workload) RetryStatus(annotation string) Progress {
	answer := w.Answer(annotation)
	switch {
	case answer == nil:
		return Progress{Message: "asked for by " + annotation}
	case answer.Granted:
		return Progress{State: Healthy, Message: oneline.Of(answer.Outcome)}
	default:
		return Progress{State: Failed, Message: oneline.Of(answer.Outcome)}
	}
}

// NoFailure says why there is nothing to admit once more: r is the revision that was named, nil where none was.
func NoFailure(w Workload, r *v1alpha1.WorkloadRevision) string {
	if r == nil {
		return fmt.Sprintf("no revision of %s that is kept has failed", w.Name)
	}
	return fmt.Sprintf("%s #%d is %s, and only what failed is refused", w.Name, r.Spec.Number, phase(r))
}
