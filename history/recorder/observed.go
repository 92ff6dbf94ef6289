package recorder

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"reprise.dev/reprise/workload"
)

// observedIntent is one stored intent that is to be recorded.
type observedIntent struct {
	deployment *appsv1.Deployment
	// raw is the same Deployment as the API server sent it, with what its type does not know.
	raw *unstructured.Unstructured
	// files says that only Score's files changed.
	files bool
	// adopted is the reason of the condition Adopted; empty for an intent that was watched.
	adopted string
	// skipped is how many intents between this one and the one before were left out for their number.
	skipped int
	// since is when it came to wait, that of the first where several were folded.
	since time.Time
	// entry is its place in the ledger, nil where it did not come from the watch.
	entry *trackedEvent
}

// typed is a Deployment as this binary knows it.
func typed(raw *unstructured.Unstructured) (*appsv1.Deployment, error) {
	d := &appsv1.Deployment{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(raw.Object, d); err != nil {
		return nil, fmt.Errorf("reading Deployment %s/%s: %w", raw.GetNamespace(), raw.GetName(), err)
	}
	return d, nil
}

// guarded says whether a Deployment is guarded, by its metadata alone: most of a cluster's are not, and need not be read
// any further.
func guarded(raw *unstructured.Unstructured) bool {
	return workload.IsGuarded(&appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Labels: raw.GetLabels(), Annotations: raw.GetAnnotations()}})
}

// identity is what was last seen of a workload.
type identity struct {
	uid  types.UID
	hash string
}

// lastSeen tells new intents from old ones, workload by workload. It belongs to the goroutine that watches, and begins
// empty: what a cache knows of the revisions may be older than the checkpoint, and a rollback's intent is an old one.
// Whether the first that is seen of a workload is recorded already, the API server says.
type lastSeen map[types.NamespacedName]identity

// isNew notes what a Deployment's intent is now, and says whether that is news.
func (s lastSeen) isNew(d *appsv1.Deployment) bool {
	now := identity{uid: d.UID, hash: workload.IntentOf(d).Hash()}
	key := types.NamespacedName{Namespace: d.Namespace, Name: d.Name}
	if s[key] == now {
		return false
	}
	s[key] = now
	return true
}
