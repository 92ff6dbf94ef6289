// Package history knows what ran before and which of it was good.
//
// It is pure. history/recorder writes a WorkloadRevision for every stored intent, history/store reads and writes them,
// history/gc deletes those of workloads that are gone.
package history

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/workload"
)

// FieldManager is the field manager under which Reprise writes a workload.
const FieldManager = "reprise"

// History is one workload's revisions, by number, oldest first.
type History []v1alpha1.WorkloadRevision

// Sort orders revisions by number.
func Sort(revisions []v1alpha1.WorkloadRevision) History {
	slices.SortFunc(revisions, func(a, b v1alpha1.WorkloadRevision) int { return int(a.Spec.Number - b.Spec.Number) })
	return revisions
}

// Newest is the last revision accepted, nil where there is none.
func (h History) Newest() *v1alpha1.WorkloadRevision {
	if len(h) == 0 {
		return nil
	}
	return &h[len(h)-1]
}

// LastHealthy is the newest revision in phase Healthy, nil where there is none.
func (h History) LastHealthy() *v1alpha1.WorkloadRevision {
	for i := len(h) - 1; i >= 0; i-- {
		if h[i].Status.Phase == v1alpha1.PhaseHealthy {
			return &h[i]
		}
	}
	return nil
}

// LastFailure is the newest revision that failed, nil where none is kept.
func (h History) LastFailure() *v1alpha1.WorkloadRevision {
	for i := len(h) - 1; i >= 0; i-- {
		if h[i].HasFailed() {
			return &h[i]
		}
	}
	return nil
}

// Number finds a revision by its number, nil where there is none.
func (h History) Number(n int64) *v1alpha1.WorkloadRevision {
	for i := range h {
		if h[i].Spec.Number == n {
			return &h[i]
		}
	}
	return nil
}

// OpenRollback is the revision whose rollback is stored and neither done nor held, nil where
// there is none.
func (h History) OpenRollback() *v1alpha1.WorkloadRevision {
	for i := len(h) - 1; i >= 0; i-- {
		if h[i].IsRollbackOpen() {
			return &h[i]
		}
	}
	return nil
}

// Live is the revision of a Deployment as it is: the newest, if it is finished and of that intent; nil where it is not
// recorded yet.
func (h History) Live(d *appsv1.Deployment) *v1alpha1.WorkloadRevision {
	if r := h.Newest(); r != nil && r.IsRecorded() && RecordsIntentOf(r, d) {
		return r
	}
	return nil
}

// RecordsIntentOf says whether a revision is of a Deployment's intent.
func RecordsIntentOf(r *v1alpha1.WorkloadRevision, d *appsv1.Deployment) bool {
	return r.Spec.WorkloadRef.UID == d.UID && r.Spec.IntentHash == workload.IntentOf(d).Hash()
}
