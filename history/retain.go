package history

import "reprise.dev/reprise/api/v1alpha1"

// Expired are the revisions beyond a limit, oldest first. The live revision, the last healthy one, those of a
// rollback under way and a rollback's target are never among them.
func (h History) Expired(limit int) []v1alpha1.Revision {
	keep := map[int64]bool{}
	if newest := h.Newest(); newest != nil {
		keep[newest.Spec.Number] = true
	}
	if healthy := h.LastHealthy(); healthy != nil {
		keep[healthy.Spec.Number] = true
	}
	if open := h.OpenRollback(); open != nil {
		keep[open.Spec.Number] = true
		keep[open.Status.Rollback.To] = true
	}
	var expired []v1alpha1.Revision
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
