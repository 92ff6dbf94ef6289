// Package history knows what ran before and which of it was good.
//
// The recorder (recorder.go, watch.go, lanes.go, record.go) writes a Revision for every stored intent, store.go
// reads and writes them; the other files decide over values.
package history

import (
	"encoding/json"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/workload"
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

// Intent decodes what a revision holds.
func Intent(r *v1alpha1.Revision) (workload.Intent, error) {
	var intent workload.Intent
	if err := json.Unmarshal(r.Spec.Intent.Raw, &intent); err != nil {
		return intent, fmt.Errorf("decoding the intent of revision %s: %w", r.Name, err)
	}
	return intent, nil
}

// ManagedFields decodes which manager owned which field.
func ManagedFields(r *v1alpha1.Revision) ([]metav1.ManagedFieldsEntry, error) {
	if len(r.Spec.ManagedFields.Raw) == 0 {
		return nil, nil
	}
	var entries []metav1.ManagedFieldsEntry
	if err := json.Unmarshal(r.Spec.ManagedFields.Raw, &entries); err != nil {
		return nil, fmt.Errorf("decoding the managed fields of revision %s: %w", r.Name, err)
	}
	return entries, nil
}
