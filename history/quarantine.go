package history

import (
	"slices"
	"strconv"
	"time"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/workload"
)

const (
	// firstPause is how long a pod template is refused after its first failure.
	firstPause = 2 * time.Minute
	// longestPause bounds the pause, which doubles with every failure of the same pod template.
	longestPause = time.Hour
)

// Quarantined is the latest failure of a pod template that is still refused at `now`, and until when; nil
// where there is none. A template that became healthy since its failure is free, and so is one that somebody asked to
// have tried again. Where the cause may lie outside of what was deployed, the pause does not grow: that it healed could
// not be seen.
func (h History) Quarantined(templateHash string, now time.Time) (*v1alpha1.WorkloadRevision, time.Time) {
	var last *v1alpha1.WorkloadRevision
	pause := firstPause / 2
	for i := range h {
		r := &h[i]
		if r.Spec.TemplateHash != templateHash || r.FilesOnly() {
			continue // Admission does not see files, so a failure by files alone refuses nothing.
		}
		switch {
		case r.HasFailed():
			last = r
			pause = min(2*pause, longestPause)
		case r.Status.Phase == v1alpha1.PhaseHealthy:
			last = nil
			pause = firstPause / 2
		}
	}
	if last == nil || last.Status.PhaseTransitionTime == nil || retried(last) {
		return nil, time.Time{}
	}
	if last.HasExternalCause() {
		pause = firstPause
	}
	until := last.Status.PhaseTransitionTime.Add(pause)
	if !now.Before(until) {
		return nil, time.Time{}
	}
	return last, until
}

// retried says whether somebody asked that a failed revision be admitted once more.
func retried(failed *v1alpha1.WorkloadRevision) bool {
	return slices.ContainsFunc(failed.Status.Requests, func(q v1alpha1.Request) bool {
		return q.Result == v1alpha1.RequestAccepted && q.Request == BoundRequest(workload.RetryAnnotation, strconv.FormatInt(failed.Spec.Number, 10))
	})
}

// Answered says whether a request, an annotation and its value, was answered already.
func (h History) Answered(request string) bool {
	return slices.ContainsFunc(h, func(r v1alpha1.WorkloadRevision) bool {
		return slices.ContainsFunc(r.Status.Requests, func(q v1alpha1.Request) bool { return q.Request == request })
	})
}
