package recorder

import (
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"reprise.dev/reprise/history"
	"reprise.dev/reprise/workload"
)

// observation is something to record about a workload: an intentEvent or a filesRequest.
type observation interface {
	workload() types.NamespacedName
}

// intentEvent is a new intent that the watch brought.
type intentEvent struct {
	history.Observed
	history.Arrival
	// tracked is the event's place in the order of the watch.
	tracked *trackedEvent
}

func (e intentEvent) workload() types.NamespacedName {
	return types.NamespacedName{Namespace: e.Deployment.Namespace, Name: e.Deployment.Name}
}

// filesRequest asks to record the files of a workload, which changed without a new intent.
type filesRequest struct {
	types.NamespacedName
}

func (r filesRequest) workload() types.NamespacedName { return r.NamespacedName }

// guarded reports whether a Deployment is guarded. It reads the metadata only: most Deployments of
// a cluster are not guarded, and need not be decoded.
func guarded(raw *unstructured.Unstructured) bool {
	return workload.IsGuarded(&appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Labels: raw.GetLabels(), Annotations: raw.GetAnnotations()}})
}

// lastSeen tells new intents from known ones. It belongs to the goroutine that watches, and starts
// empty: what a cache knows of the revisions may be older than the checkpoint, and a rollback
// brings back an old intent. Whether the first intent that is seen of a workload is recorded
// already, only the API server knows.
type lastSeen map[types.NamespacedName]history.Identity

// isNew notes a workload's current intent, and reports whether it is another than the last one.
func (s lastSeen) isNew(workload types.NamespacedName, now history.Identity) bool {
	if s[workload] == now {
		return false
	}
	s[workload] = now
	return true
}
