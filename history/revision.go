// Package history decides what the next WorkloadRevision of a workload holds, and answers questions
// about the earlier ones: which was healthy, which is quarantined, which may be deleted.
//
// It is pure. history/recorder writes a WorkloadRevision for every stored intent, history/store
// reads and writes them, and history/gc deletes those of deleted workloads.
package history

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"reprise.dev/reprise/api/v1alpha1"
)

// FieldManager is the field manager under which Reprise writes a workload.
const FieldManager = "reprise"

// History is the list of one workload's revisions, by number, oldest first.
type History []v1alpha1.WorkloadRevision

// Sort orders revisions by number, in place.
func Sort(revisions []v1alpha1.WorkloadRevision) History {
	slices.SortFunc(revisions, func(a, b v1alpha1.WorkloadRevision) int { return int(a.Spec.Number - b.Spec.Number) })
	return revisions
}

// Newest returns the revision with the highest number, nil if there is none.
func (h History) Newest() *v1alpha1.WorkloadRevision {
	if len(h) == 0 {
		return nil
	}
	return &h[len(h)-1]
}

// Of returns the revisions of the Deployment with this UID. A name that was deleted and created
// again may belong to somebody else: only a request restores a revision of the Deployment before,
// and its failures quarantine nothing.
func (h History) Of(uid types.UID) History {
	return slices.DeleteFunc(slices.Clone(h), func(r v1alpha1.WorkloadRevision) bool { return r.Spec.WorkloadRef.UID != uid })
}

// LastHealthy returns the newest revision in phase Healthy of the Deployment that the newest
// revision records, nil if there is none. One that was redacted cannot be restored.
func (h History) LastHealthy() *v1alpha1.WorkloadRevision {
	for i := len(h) - 1; i >= 0; i-- {
		if h[i].Status.Phase == v1alpha1.PhaseHealthy && h[i].SameWorkload(h.Newest()) && !h[i].IsRedacted() {
			return &h[i]
		}
	}
	return nil
}

// LastFailure returns the newest revision that failed, nil if there is none.
func (h History) LastFailure() *v1alpha1.WorkloadRevision {
	for i := len(h) - 1; i >= 0; i-- {
		if h[i].HasFailed() {
			return &h[i]
		}
	}
	return nil
}

// Number returns the revision of a number, nil if there is none.
func (h History) Number(n int64) *v1alpha1.WorkloadRevision {
	for i := range h {
		if h[i].Spec.Number == n {
			return &h[i]
		}
	}
	return nil
}

// OpenRollback returns the revision whose rollback is planned and neither complete nor on hold, nil
// if there is none.
func (h History) OpenRollback() *v1alpha1.WorkloadRevision {
	for i := len(h) - 1; i >= 0; i-- {
		if h[i].IsRollbackOpen() {
			return &h[i]
		}
	}
	return nil
}

// Live returns the revision that records a Deployment of this identity: the newest, if it is
// complete and of that intent; nil if the Deployment is not recorded.
func (h History) Live(identity Identity) *v1alpha1.WorkloadRevision {
	if r := h.Newest(); r != nil && r.IsRecorded() && RecordedIdentity(r) == identity {
		return r
	}
	return nil
}
