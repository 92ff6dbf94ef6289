package history

import (
	"slices"
	"time"

	"reprise.dev/reprise/api/v1alpha1"
)

// RollbackWindow is how long a rollback counts towards the rate limit of rollbacks.
const RollbackWindow = time.Hour

// Prunable returns the revisions beyond a limit: first those that changed neither the pod template
// nor a file, and restarts, then the others, each oldest first. So a burst of such changes evicts
// no failure. It never returns the newest revision, the last healthy one, the two of a rollback in
// progress, those with a rollback within RollbackWindow, or those that cause a quarantine at `now`:
// pruning must not reset the rate limit of rollbacks or a quarantine.
func (h History) Prunable(limit int, now time.Time) []v1alpha1.WorkloadRevision {
	keep := map[int64]bool{}
	if newest := h.Newest(); newest != nil {
		keep[newest.Spec.Number] = true
	}
	if healthy := h.LastHealthy(); healthy != nil {
		keep[healthy.Spec.Number] = true
	}
	if open := h.OpenRollback(); open != nil {
		keep[open.Spec.Number] = true
		keep[open.Status.Rollback.ToRevision] = true
	}
	for _, r := range h {
		if plan := r.Status.Rollback; plan != nil && now.Sub(plan.StartTime.Time) < RollbackWindow {
			keep[r.Spec.Number] = true
		}
		if failure, _ := h.Quarantined(r.Spec.WorkloadRef.UID, r.Spec.TemplateHash, now); failure != nil {
			keep[failure.Spec.Number] = true
		}
	}
	var minor, others []v1alpha1.WorkloadRevision
	for _, r := range h {
		switch {
		case keep[r.Spec.Number]:
		case (r.Spec.ChangeScope == v1alpha1.ChangeOtherFields || r.Spec.ChangeScope == v1alpha1.ChangeRestart) && !r.HasFailed():
			minor = append(minor, r)
		default:
			others = append(others, r)
		}
	}
	prunable := slices.Concat(minor, others)
	return prunable[:min(len(prunable), max(0, len(h)-limit))]
}
