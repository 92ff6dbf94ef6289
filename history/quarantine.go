package history

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"reprise.dev/reprise/api/v1alpha1"
)

const (
	// firstPause is how long a pod template is denied after its first failure.
	firstPause = 2 * time.Minute
	// longestPause bounds the pause, which doubles with every failure of the same pod template.
	longestPause = time.Hour
)

// Quarantined returns the latest failure of a pod template of a Deployment that admission denies
// at `now`, and until when; nil if admission does not deny it. A template that became healthy
// after its failure is not denied, nor is one for which a user requested a retry. If the change
// may not be the cause of the failure, the pause does not grow: Reprise could not observe a
// recovery.
func (h History) Quarantined(uid types.UID, templateHash string, now time.Time) (*v1alpha1.WorkloadRevision, time.Time) {
	var last *v1alpha1.WorkloadRevision
	pause := firstPause / 2
	for i := range h {
		r := &h[i]
		if r.Spec.WorkloadRef.UID != uid || r.Spec.TemplateHash != templateHash || r.FilesOnly() {
			continue // Admission does not see files, so it denies nothing for a failure caused by files only.
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
	if last == nil || last.Status.PhaseTransitionTime == nil || AcceptedRetry(last) != nil {
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

// AcceptedRetry returns the request that lifted the quarantine of a failed revision, nil if there
// is none. Its value is the revision's number, in any spelling that a retry is accepted in.
func AcceptedRetry(failed *v1alpha1.WorkloadRevision) *v1alpha1.Request {
	i := slices.IndexFunc(failed.Status.Requests, func(q v1alpha1.Request) bool {
		value, isRetry := strings.CutPrefix(q.Request, v1alpha1.RetryAnnotation+"=")
		number, err := strconv.ParseInt(value, 10, 64)
		return q.Result == v1alpha1.RequestAccepted && isRetry && err == nil && number == failed.Spec.Number
	})
	if i < 0 {
		return nil
	}
	return &failed.Status.Requests[i]
}

// Answered reports whether a request, an annotation and its value, was answered.
func (h History) Answered(request string) bool {
	return slices.ContainsFunc(h, func(r v1alpha1.WorkloadRevision) bool {
		return slices.ContainsFunc(r.Status.Requests, func(q v1alpha1.Request) bool { return q.Request == request })
	})
}
