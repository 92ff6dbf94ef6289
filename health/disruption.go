package health

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// disruptionRecheck is when to assess again a rollout with only disrupted pods. The known state of
// a node may be older than the pod.
const disruptionRecheck = 10 * time.Second

// scaleUpTime is how long a node may take to join after an autoscaler requested it.
const scaleUpTime = 15 * time.Minute

// conclusivePods returns a ReplicaSet's pods whose failures the change may have caused, and a line
// about one that was excluded.
func (r Rollout) conclusivePods(set *appsv1.ReplicaSet) (pods []*corev1.Pod, inconclusive string) {
	for _, pod := range r.Pods {
		if !metav1.IsControlledBy(pod, set) {
			continue
		}
		if why := r.disruption(pod); why != "" {
			inconclusive = causeLine(fmt.Sprintf("pod %s %s, which this change did not cause", pod.Name, why))
			continue
		}
		pods = append(pods, pod)
	}
	return pods, inconclusive
}

// disruption returns what the cluster did to a pod, which the change did not cause; empty if
// nothing.
func (r Rollout) disruption(pod *corev1.Pod) string {
	switch {
	case pod.DeletionTimestamp != nil:
		return "is being deleted"
	case conditionTrue(pod, corev1.DisruptionTarget):
		return "is disrupted"
	case pod.Status.Phase == corev1.PodFailed:
		return "was terminated by the cluster"
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

// scaleUpEnds returns when a requested node must have joined for the pods without one; zero if none
// was requested.
func (r Rollout) scaleUpEnds(pods []*corev1.Pod) (until time.Time) {
	for _, pod := range pods {
		if _, unscheduled := unscheduledPod(pod); !unscheduled {
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
