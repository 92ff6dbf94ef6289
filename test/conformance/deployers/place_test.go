package deployers

import (
	"fmt"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/test/harness/product"
)

// place is a namespace with one workload, app, guarded by the running product.
type place struct{ product.Place }

func newPlace(t *testing.T) place {
	t.Helper()
	return place{product.NewPlace(t, running, product.Quick)}
}

// must fails the test where a deployer failed.
func (p place) must(said string, err error) {
	p.Helper()
	if err != nil {
		p.Fatalf("%v\n%s", err, said)
	}
}

// live reads the workload as the API server has it.
func (p place) live() *unstructured.Unstructured {
	p.Helper()
	d := &unstructured.Unstructured{}
	d.SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind("Deployment"))
	if err := p.API.Get(p.Context(), client.ObjectKey{Namespace: p.Namespace, Name: name}, d); err != nil {
		p.Fatal(err)
	}
	return d
}

func (p place) revisions() history.History {
	p.Helper()
	return p.Revisions(name)
}

// becomes waits until the history is as a condition wants it.
func (p place) becomes(want string, condition func(history.History) bool) history.History {
	p.Helper()
	return product.AwaitHistory(p, p.API, p.Namespace, name, want, condition)
}

// well waits until the newest revision is healthy and newer than another.
func (p place) well(than int64) *v1alpha1.WorkloadRevision {
	p.Helper()
	return p.becomes(fmt.Sprintf("one after #%d to be healthy", than), func(h history.History) bool {
		newest := h.Newest()
		return newest != nil && newest.Spec.Number > than && newest.Status.Phase == v1alpha1.PhaseHealthy
	}).Newest()
}

// restored waits until a rollback that put a revision back is healthy.
func (p place) restored(number int64) *v1alpha1.WorkloadRevision {
	p.Helper()
	return p.becomes(fmt.Sprintf("#%d to be put back, and healthy", number), func(h history.History) bool {
		newest := h.Newest()
		return newest != nil && newest.Spec.RestoredFrom == number && newest.Status.Phase == v1alpha1.PhaseHealthy
	}).Newest()
}

// events are those of a reason about the workload.
func (p place) events(reason string) []corev1.Event {
	p.Helper()
	return p.Events(reason, name)
}
