package history

import (
	"time"

	"reprise.dev/reprise/api/v1alpha1"
)

// RollbackWindow is how long a rollback counts against the next one.
const RollbackWindow = time.Hour

// Prunable are the revisions beyond a limit, oldest first. The live revision, the last healthy one, those of a
// rollback under way, its target, those whose rollback still counts against the next one and those that a quarantine
// rests on at `now` are never among them: a short history must not let go of a brake.
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
		if failure, _ := h.Quarantined(r.Spec.TemplateHash, now); failure != nil {
			keep[failure.Spec.Number] = true
		}
	}
	var expired []v1alpha1.WorkloadRevision
	for _, r := range h {
		if len(h)-len(expired) <= limit {
			break
		}
		if !keep[r.Spec.Number] {
			expired = append(expired, r)
		}
	}
	return expired
}
