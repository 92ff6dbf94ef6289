package health

import (
	"time"

	corev1 "k8s.io/api/core/v1"
)

// disruptionRecheck is when to assess again a rollout with only disrupted pods. The known state of
// a node may be older than the pod.
const disruptionRecheck = 10 * time.Second

// returnTime is how long the pods of a node that is ready again tell nothing: their status is the
// one of before its outage.
const returnTime = 30 * time.Second

// scaleUpTime is how long a node may take to join after an autoscaler requested it.
const scaleUpTime = 15 * time.Minute

// disruption returns what the cluster did to a pod, which the change did not cause; empty if
// nothing.
func (a *assessment) disruption(pod *corev1.Pod) string {
	switch {
	case pod.DeletionTimestamp != nil:
		return "is being deleted"
	case conditionTrue(pod, corev1.DisruptionTarget):
		return "is disrupted"
	case a.Nodes == nil || pod.Spec.NodeName == "":
		return ""
	}
	node, found := a.Nodes[pod.Spec.NodeName]
	if !found {
		return "was on a node that is gone"
	}
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady && c.Status != corev1.ConditionTrue {
			return "is on a node that is not ready"
		}
	}
	if back := a.nodeReturned(pod); !back.IsZero() && a.now.Before(back.Add(returnTime)) {
		a.wake(back.Add(returnTime))
		return "is on a node that has just returned"
	}
	return ""
}

// nodeReturned returns when a pod's node became ready again after the pod was placed there; zero if
// it did not.
func (a *assessment) nodeReturned(pod *corev1.Pod) time.Time {
	node := a.Nodes[pod.Spec.NodeName]
	if node == nil {
		return time.Time{}
	}
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue && c.LastTransitionTime.After(scheduledAt(pod)) {
			return a.began(sighting{nodeBack, pod.Name, ""}, c.LastTransitionTime.Time)
		}
	}
	return time.Time{}
}

// scaleUps are the Events of an autoscaler that adds a node for a pod: of the cluster autoscaler,
// and of Karpenter.
var scaleUps = map[string]bool{"TriggeredScaleUp": true, "Nominated": true}

// scaleUpEnds returns when a requested node must have joined for the pods without one; zero if none
// was requested.
func (a *assessment) scaleUpEnds(seen witnesses) (until time.Time) {
	for _, w := range seen {
		if _, unscheduled := unscheduledPod(w.pod); !unscheduled {
			continue
		}
		for _, e := range a.eventsOf(w.pod, "") {
			if at := toldAt(e).Add(scaleUpTime); scaleUps[e.Reason] && at.After(until) {
				until = at
			}
		}
	}
	return until
}
