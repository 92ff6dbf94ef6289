package health

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// createFailure returns the signal of a ReplicaSet that cannot create its pods. Where it created
// others, the API server accepts the template, and whatever refuses more of them is not the change.
func (a *assessment) createFailure(set *appsv1.ReplicaSet, seen witnesses) (signal, bool) {
	out, found := refusal(set)
	if !found {
		return out, false
	}
	if len(seen) > 0 || out.class == medium && out.external && a.leaving() {
		out.class, out.external = weak, true
	}
	out.since = a.since(out.sighting(), out.since)
	return out, true
}

// leaving reports whether a pod of the Deployment is being deleted: it takes its part of a quota
// until it is gone.
func (a *assessment) leaving() bool {
	for _, pod := range a.Pods {
		if pod.DeletionTimestamp == nil {
			continue
		}
		for _, set := range a.ReplicaSets {
			if metav1.IsControlledBy(pod, set) {
				return true
			}
		}
	}
	return false
}

// refusal returns a ReplicaSet's condition that it cannot create its pods.
func refusal(set *appsv1.ReplicaSet) (signal, bool) {
	for _, c := range set.Status.Conditions {
		if c.Type != appsv1.ReplicaSetReplicaFailure || c.Status != corev1.ConditionTrue || c.Reason != "FailedCreate" {
			continue
		}
		out := signal{
			Failure: Failure{Pod: set.Name, Reason: c.Reason, Message: c.Message},
			class:   weak, kind: uncreated, since: c.LastTransitionTime.Time, external: true,
			cause: "pods cannot be created: " + c.Message,
		}
		switch {
		case refusedByNobody.match(c.Message):
		case refusedForever.match(c.Message):
			out.class, out.grace, out.external = certain, certainGrace, false
		case refusedForNow.match(c.Message):
			out.class, out.grace = medium, mediumGrace
		case refused.match(c.Message):
			out.class, out.grace, out.external = medium, mediumGrace, false
		}
		return out, true
	}
	return signal{}, false
}
