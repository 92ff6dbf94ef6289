// Package history knows what ran before and which of it was good.
//
// The recorder (recorder.go, watch.go, lanes.go, record.go) writes a Revision for every stored intent, store.go
// reads and writes them, snapshot.go encodes what they hold; the other files decide over values.
package history

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"

	"reprise.dev/reprise/api/v1alpha1"
)

// Manager is the field manager under which Reprise writes a workload.
const Manager = "reprise"

// History is one workload's revisions, by number, oldest first.
type History []v1alpha1.Revision

// Sort orders revisions by number.
func Sort(revisions []v1alpha1.Revision) History {
	slices.SortFunc(revisions, func(a, b v1alpha1.Revision) int { return int(a.Spec.Number - b.Spec.Number) })
	return revisions
}

// Newest is the last revision accepted, nil where there is none.
func (h History) Newest() *v1alpha1.Revision {
	if len(h) == 0 {
		return nil
	}
	return &h[len(h)-1]
}

// LastHealthy is the newest revision in phase Healthy, nil where there is none.
func (h History) LastHealthy() *v1alpha1.Revision {
	for i := len(h) - 1; i >= 0; i-- {
		if h[i].Status.Phase == v1alpha1.PhaseHealthy {
			return &h[i]
		}
	}
	return nil
}

// Number finds a revision by its number, nil where there is none.
func (h History) Number(n int64) *v1alpha1.Revision {
	for i := range h {
		if h[i].Spec.Number == n {
			return &h[i]
		}
	}
	return nil
}

// OpenRollback is the revision whose rollback was written ahead and neither completed nor held, nil where
// there is none.
func (h History) OpenRollback() *v1alpha1.Revision {
	for i := len(h) - 1; i >= 0; i-- {
		if s := h[i].Status; s.Rollback != nil && s.Rollback.DoneAt == nil && s.Hold == "" {
			return &h[i]
		}
	}
	return nil
}

// Adopted says whether a revision ran before Reprise could watch it being deployed.
func Adopted(r *v1alpha1.Revision) bool {
	return meta.IsStatusConditionTrue(r.Status.Conditions, v1alpha1.ConditionAdopted)
}
