package rollback

import (
	"time"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/workload"
)

// RepeatFailure returns the earlier failure of what the newest revision rolls out, nil where there
// is none: admission would have denied it, had it been called and had its cache not lagged. Nothing
// is learnt by waiting for the same failure again. A revision whose pod template is its
// predecessor's was admitted on purpose: admission denies no `rollout restart`.
func RepeatFailure(h history.History, settings workload.Settings, now time.Time) *v1alpha1.WorkloadRevision {
	newest := h.Newest()
	if len(h) < 2 || !settings.Quarantine || newest.Status.Phase != v1alpha1.PhaseProgressing ||
		newest.Spec.RollbackOf != 0 || newest.FilesOnly() {
		return nil
	}
	before := h[:len(h)-1].Of(newest.Spec.WorkloadRef.UID)
	if len(before) == 0 || before.Newest().Spec.TemplateHash == newest.Spec.TemplateHash {
		return nil
	}
	failure, _ := before.Quarantined(newest.Spec.WorkloadRef.UID, newest.Spec.TemplateHash, now)
	if failure == nil || !failure.PodsSame(newest) {
		return nil // Other files may be the fix.
	}
	return failure
}
