package health

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"reprise.dev/reprise/workload"
)

// Rollout is the evidence about one revision.
type Rollout struct {
	Deployment *appsv1.Deployment
	// ReplicaSets are all ReplicaSets that the Deployment controls, trimmed or not (workload.Trim).
	ReplicaSets []*appsv1.ReplicaSet
	// Pods are those that the ReplicaSets control. Of their specs, only the node and the containers'
	// names and images are read.
	Pods []*corev1.Pod
	// Nodes are the cluster's, by name. A pod on a node that is missing here is lost. Nil means that
	// nodes are unknown and no pod is excluded because of its node.
	Nodes map[string]*corev1.Node
	// Events are the known ones about the Pods. They supply causes and report that an autoscaler adds
	// a node.
	Events []*corev1.Event
	// AcceptedAt is when the revision was accepted, by the clock of now. The failure deadline counts
	// from here at the earliest.
	AcceptedAt time.Time
	// StartedAfter, if set, excludes containers that started earlier: only the files changed, and such
	// containers may have read the old ones.
	StartedAfter time.Time
	// NeverHealthy are the ReplicaSets of revisions that were never healthy. The same failure in their
	// pods does not excuse the change.
	NeverHealthy []types.UID
	// FilesChanged reports whether Score's files differ from those of the previous revision. Old pods
	// mount the new files too, so the same failure in them proves nothing.
	FilesChanged bool
	// BakeTime is how long a complete rollout must stay ready.
	BakeTime time.Duration
	// FailureDeadline is when weak signals fail the rollout. Zero means the Deployment's own
	// progressDeadlineSeconds.
	FailureDeadline time.Duration
	// ReadyAfter is how long the pods of the last healthy revision took until they were ready; zero
	// where it is not known. It matters where no old pod is left.
	ReadyAfter time.Duration
	// Memory is what the assessment before returned. Nil means that times are those of the objects; an
	// empty one means that this is the first look.
	Memory Memory
}

// ordered returns the rollout with its lists sorted, so that the same rollout gives the same cause.
func (r Rollout) ordered() Rollout {
	r.ReplicaSets = slices.SortedStableFunc(slices.Values(r.ReplicaSets), func(a, b *appsv1.ReplicaSet) int { return strings.Compare(a.Name, b.Name) })
	r.Pods = slices.SortedStableFunc(slices.Values(r.Pods), func(a, b *corev1.Pod) int { return strings.Compare(a.Name, b.Name) })
	r.Events = slices.SortedStableFunc(slices.Values(r.Events), func(a, b *corev1.Event) int {
		return cmp.Or(toldAt(a).Compare(toldAt(b)), strings.Compare(a.Name, b.Name))
	})
	return r
}

// toldAt returns when an Event was told last. Those of events.k8s.io have a time of their own.
func toldAt(e *corev1.Event) time.Time {
	switch {
	case !e.LastTimestamp.IsZero():
		return e.LastTimestamp.Time
	case e.Series != nil:
		return e.Series.LastObservedTime.Time
	default:
		return e.EventTime.Time
	}
}

// undecidable returns why a rollout cannot be assessed; empty if it can.
func undecidable(d *appsv1.Deployment) string {
	switch {
	case d.DeletionTimestamp != nil:
		return "the Deployment is being deleted"
	case d.Status.ObservedGeneration < d.Generation:
		return "the deployment controller has not observed this generation"
	case d.Spec.Paused:
		return "the rollout is paused"
	case desired(d) == 0:
		return "scaled to zero: there are no pods to assess"
	default:
		return ""
	}
}

func desired(d *appsv1.Deployment) int32 {
	if d.Spec.Replicas == nil {
		return 1
	}
	return *d.Spec.Replicas
}

// incomplete returns what a rollout still waits for; empty if it is complete. The conditions are
// those of k8s.io/kubernetes/pkg/controller/deployment/util/deployment_util.go
// (DeploymentComplete).
func incomplete(d *appsv1.Deployment) string {
	want, s := desired(d), d.Status
	switch {
	case s.UpdatedReplicas < want:
		return progress(s.UpdatedReplicas, want, "updated")
	case s.Replicas > s.UpdatedReplicas:
		return "old pods are still there"
	case s.AvailableReplicas < want:
		return progress(s.AvailableReplicas, want, "available")
	default:
		return ""
	}
}

func progress(have, want int32, what string) string {
	return fmt.Sprintf("%d of %d pods are %s", have, want, what)
}

// newReplicaSet returns the ReplicaSet with the Deployment's template. Of several it returns the
// oldest, as the deployment controller does
// (k8s.io/kubernetes/pkg/controller/deployment/util/deployment_util.go, FindNewReplicaSet).
func newReplicaSet(d *appsv1.Deployment, sets []*appsv1.ReplicaSet) *appsv1.ReplicaSet {
	var found *appsv1.ReplicaSet
	for _, set := range sets {
		if !metav1.IsControlledBy(set, d) || !workload.MatchesTemplate(set, &d.Spec.Template) {
			continue
		}
		if found == nil || older(set, found) {
			found = set
		}
	}
	return found
}

// PodsOf returns the pods of the ReplicaSet that the Deployment rolls out, in no order.
func PodsOf(r Rollout) []*corev1.Pod {
	current := newReplicaSet(r.Deployment, r.ReplicaSets)
	if current == nil {
		return nil
	}
	var pods []*corev1.Pod
	for _, pod := range r.Pods {
		if metav1.IsControlledBy(pod, current) {
			pods = append(pods, pod)
		}
	}
	return pods
}

func older(a, b *appsv1.ReplicaSet) bool {
	if a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.Name < b.Name
	}
	return a.CreationTimestamp.Before(&b.CreationTimestamp)
}

// recreate reports whether the old pods stop before new ones start, so that none serve in the
// meantime.
func (r Rollout) recreate() bool {
	return r.Deployment.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType
}

func condition(pod *corev1.Pod, kind corev1.PodConditionType) *corev1.PodCondition {
	for i := range pod.Status.Conditions {
		if pod.Status.Conditions[i].Type == kind {
			return &pod.Status.Conditions[i]
		}
	}
	return nil
}

func conditionTrue(pod *corev1.Pod, kind corev1.PodConditionType) bool {
	c := condition(pod, kind)
	return c != nil && c.Status == corev1.ConditionTrue
}

// readySince returns since when a pod has been ready; zero where it is not.
func readySince(pod *corev1.Pod) time.Time {
	if c := condition(pod, corev1.PodReady); c != nil && c.Status == corev1.ConditionTrue {
		return c.LastTransitionTime.Time
	}
	return time.Time{}
}
