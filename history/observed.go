package history

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/workload"
)

// Identity tells one intent of one Deployment from all others. A Deployment that was deleted and
// created again has another UID, and so another identity.
type Identity struct {
	UID        types.UID
	IntentHash string
}

// IdentityOf returns the identity of a Deployment. It copies and hashes the intent, so callers keep
// the result.
func IdentityOf(d *appsv1.Deployment) Identity {
	return Identity{UID: d.UID, IntentHash: workload.IntentOf(d).Hash()}
}

// RecordedIdentity returns the identity of the Deployment that a revision records.
func RecordedIdentity(r *v1alpha1.WorkloadRevision) Identity {
	return Identity{UID: r.Spec.WorkloadRef.UID, IntentHash: r.Spec.IntentHash}
}

// Observed is a Deployment as the API server stored it at one resourceVersion, with its identity.
type Observed struct {
	Identity
	Deployment *appsv1.Deployment
	// Raw is the same Deployment as the API server sent it, with the fields that this binary's
	// types do not know.
	Raw *unstructured.Unstructured
}

// Observe decodes a Deployment and hashes its intent. It returns an error for a field of another
// type than the API's.
func Observe(raw *unstructured.Unstructured) (Observed, error) {
	d := &appsv1.Deployment{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(raw.Object, d); err != nil {
		return Observed{}, fmt.Errorf("decoding Deployment %s/%s: %w", raw.GetNamespace(), raw.GetName(), err)
	}
	return Observed{Identity: IdentityOf(d), Deployment: d, Raw: raw}, nil
}

// Adoption is why a revision is adopted, as the reason of its condition. It is empty for a
// deployment that was watched.
type Adoption string

const (
	// AdoptedInitially is for a workload that existed when Reprise started to watch.
	AdoptedInitially Adoption = v1alpha1.ReasonInitialList
	// AdoptedAfterGap is for an intent before which the API server could not replay every change.
	AdoptedAfterGap Adoption = v1alpha1.ReasonWatchGap
)

// message returns the message of the condition.
func (a Adoption) message() string {
	if a == AdoptedAfterGap {
		return "The API server could not replay every change before this one. This revision never triggers a rollback."
	}
	return "The workload existed before Reprise could watch its deployment. This revision never triggers a rollback."
}
