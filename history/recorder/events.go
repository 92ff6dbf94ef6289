package recorder

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/event"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/internal/apierror"
)

// revisionRecorded returns the Event of a new revision.
func revisionRecorded(d *appsv1.Deployment, revision *v1alpha1.WorkloadRevision, now time.Time) event.Event {
	spec := revision.Spec
	text := fmt.Sprintf("Revision #%d recorded", spec.Number)
	if spec.RestoredFrom != 0 {
		text = fmt.Sprintf("Rollback recorded as revision #%d, which restores #%d", spec.Number, spec.RestoredFrom)
	}
	if spec.SkippedRevisions > 0 {
		text += fmt.Sprintf("; the rate limit skipped %d changes since #%d", spec.SkippedRevisions, spec.Number-1)
	}
	if spec.ChangeSummary != "" {
		text += ": " + spec.ChangeSummary
	}
	return event.Event{
		Reason: v1alpha1.EventRevisionRecorded, Regarding: event.ObjectRef(d), Key: revision.Name, At: now,
		Message: event.Message(text, nil, ""),
	}
}

// recordingFailed returns the Event of an intent that the API server does not let be recorded. An
// administrator can raise a quota; a revision that is too large is never recorded.
func recordingFailed(o history.Observed, cause error, now time.Time) event.Event {
	next := ""
	if apierror.IsRefused(cause) {
		next = "ask the administrator to allow workloadrevisions.reprise.dev in this namespace; Reprise tries again"
	}
	return event.Event{
		Reason: v1alpha1.EventRecordingFailed, Warning: true, Regarding: event.ObjectRef(o.Deployment), Key: o.IntentHash, At: now,
		Message: event.Message("Revision not recorded; it cannot be used as a rollback target: "+cause.Error(), nil, next),
	}
}
