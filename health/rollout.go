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

// Rollout is what is judged.
type Rollout struct {
	Deployment *appsv1.Deployment
	// ReplicaSets are those that the Deployment controls, old ones included, whole or slim
	// (workload.Slim).
	ReplicaSets []*appsv1.ReplicaSet
	// Pods are those that the ReplicaSets control. Of their specs, containers' names and images and
	// the node are read.
	Pods []*corev1.Pod
	// Nodes are those of the cluster by name; a pod on one that is not there is gone with it. Nil
	// means that nothing is known of nodes, and no pod is left out for its node.
	Nodes map[string]*corev1.Node
	// Events are those about the Pods, as far as they are known: they word a cause and tell of a node
	// that is coming.
	Events []*corev1.Event
	// AcceptedAt is when the revision was accepted; the failure deadline counts from here.
	AcceptedAt time.Time
	// StartedAfter, where it is set, leaves out what containers did that started before: only the
	// files changed, and they know the old ones.
	StartedAfter time.Time
	// NeverWell are the ReplicaSets of revisions that were never healthy: their pods' failing alike is
	// no excuse.
	NeverWell []types.UID
	// FilesChanged says that Score's files differ from those of the revision before: old pods mount
	// them too, so that their failing alike says nothing for the new revision.
	FilesChanged bool
	// BakeTime is how long a completed rollout must stay well.
	BakeTime time.Duration
	// FailureDeadline is when weak signals have become a failure; zero means the Deployment's own
	// progressDeadlineSeconds.
	FailureDeadline time.Duration
}

// ordered has all that has an order of its own in it, whatever the caller's was: the same rollout
// gives the same words.
func (r Rollout) ordered() Rollout {
	r.ReplicaSets = slices.SortedStableFunc(slices.Values(r.ReplicaSets), func(a, b *appsv1.ReplicaSet) int { return strings.Compare(a.Name, b.Name) })
	r.Pods = slices.SortedStableFunc(slices.Values(r.Pods), func(a, b *corev1.Pod) int { return strings.Compare(a.Name, b.Name) })
	r.Events = slices.SortedStableFunc(slices.Values(r.Events), func(a, b *corev1.Event) int {
		return cmp.Or(a.LastTimestamp.Compare(b.LastTimestamp.Time), strings.Compare(a.Name, b.Name))
	})
	return r
}

// unknowable says why a rollout cannot be judged, or nothing.
func unknowable(d *appsv1.Deployment) string {
	switch {
	case d.DeletionTimestamp != nil:
		return "the Deployment is being deleted"
	case d.Status.ObservedGeneration < d.Generation:
		return "the deployment controller has not seen this generation yet"
	case d.Spec.Paused:
		return "the rollout is paused"
	case desired(d) == 0:
		return "scaled to zero: nothing runs that could be judged"
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

// incomplete says what a rollout still waits for, or nothing: the conditions of completeness of
// k8s.io/kubernetes/pkg/controller/deployment/util/deployment_util.go (DeploymentComplete).
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

// newReplicaSet is the one whose template is the Deployment's; of several the oldest, as the
// deployment controller has it
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

func older(a, b *appsv1.ReplicaSet) bool {
	if a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.Name < b.Name
	}
	return a.CreationTimestamp.Before(&b.CreationTimestamp)
}

// recreate says whether the old pods go before the new ones come: there is no capacity meanwhile.
func (r Rollout) recreate() bool {
	return r.Deployment.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType
}

// placedAt is when a pod was given a node, or else made.
func placedAt(pod *corev1.Pod) time.Time {
	if c := condition(pod, corev1.PodScheduled); c != nil && c.Status == corev1.ConditionTrue && !c.LastTransitionTime.IsZero() {
		return c.LastTransitionTime.Time
	}
	return pod.CreationTimestamp.Time
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

// readySince is since when a pod has been ready, zero where it is not.
func readySince(pod *corev1.Pod) time.Time {
	if c := condition(pod, corev1.PodReady); c != nil && c.Status == corev1.ConditionTrue {
		return c.LastTransitionTime.Time
	}
	return time.Time{}
}
