package health

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// vetoRecheck is after how long a rollout is looked at again that says nothing for what befell its
// pods: what is known of a node may be older than the pod.
const vetoRecheck = 10 * time.Second

// scaleUpTime is how long a node may take that an autoscaler has asked for.
const scaleUpTime = 15 * time.Minute

// telling are a ReplicaSet's pods that tell something about it, and why others do not, in one line.
func (r Rollout) telling(set *appsv1.ReplicaSet) (pods []*corev1.Pod, vetoed string) {
	for _, pod := range r.Pods {
		if !metav1.IsControlledBy(pod, set) {
			continue
		}
		if why := r.disturbed(pod); why != "" {
			vetoed = brief(fmt.Sprintf("pod %s %s, which is not the change's fault", pod.Name, why))
			continue
		}
		pods = append(pods, pod)
	}
	return pods, vetoed
}

// disturbed says what befell a pod that tells nothing about what was deployed, or nothing.
func (r Rollout) disturbed(pod *corev1.Pod) string {
	switch {
	case pod.DeletionTimestamp != nil:
		return "is being deleted"
	case conditionTrue(pod, corev1.DisruptionTarget):
		return "is disrupted"
	case pod.Status.Phase == corev1.PodFailed:
		return "was ended by the cluster"
	case r.Nodes == nil || pod.Spec.NodeName == "":
		return ""
	}
	node, found := r.Nodes[pod.Spec.NodeName]
	if !found {
		return "was on a node that is gone"
	}
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady && c.Status != corev1.ConditionTrue {
			return "is on a node that is not ready"
		}
	}
	return ""
}

// nodeComes says whether an autoscaler has asked for a node for a pod that has none, and until when
// that may take.
func (r Rollout) nodeComes(pods []*corev1.Pod) (until time.Time) {
	for _, pod := range pods {
		if _, unscheduled := unplacedPod(pod); !unscheduled {
			continue
		}
		for _, e := range r.eventsOf(pod) {
			if at := e.LastTimestamp.Add(scaleUpTime); e.Reason == "TriggeredScaleUp" && at.After(until) {
				until = at
			}
		}
	}
	return until
}
