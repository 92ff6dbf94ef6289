package health

import (
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// hasEnded reports whether a pod is in a phase that it never leaves. Its ReplicaSet replaces it,
// and its object stays until it is collected.
func hasEnded(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded
}

// endedPods detects pods that the kubelet ended or rejected for what their spec asks, one after the
// other. As many are a loop as ends of a container are.
func (a *assessment) endedPods(set *appsv1.ReplicaSet) (signal, bool) {
	byReason := map[string][]*corev1.Pod{}
	var same []*corev1.Pod
	for _, pod := range a.Pods {
		if !metav1.IsControlledBy(pod, set) || !endedBySpec(pod) || pod.CreationTimestamp.Time.Before(a.AcceptedAt.Truncate(time.Second)) {
			continue
		}
		byReason[pod.Status.Reason] = append(byReason[pod.Status.Reason], pod)
		if len(byReason[pod.Status.Reason]) > len(same) {
			same = byReason[pod.Status.Reason]
		}
	}
	if len(same) < crashLoopExits {
		return signal{}, false
	}
	first, last := same[0], same[0]
	for _, pod := range same {
		if pod.CreationTimestamp.Before(&first.CreationTimestamp) {
			first = pod
		}
		if last.CreationTimestamp.Before(&pod.CreationTimestamp) {
			last = pod
		}
	}
	s := last.Status
	return signal{
		Failure: Failure{Pod: last.Name, Reason: s.Reason, Message: s.Message},
		class:   strong, kind: ended, grace: a.strongGrace(),
		since: a.since(sighting{string(ended), set.Name, s.Reason}, first.CreationTimestamp.Time),
		cause: fmt.Sprintf("the kubelet ended %d of its pods: %s: %s", len(same), s.Reason, strings.TrimSpace(s.Message)),
	}, true
}

// endedBySpec reports whether the kubelet ended a pod for what its own spec asks. For its node's
// sake it sets the condition DisruptionTarget
// (k8s.io/kubernetes/pkg/kubelet/eviction/eviction_manager.go).
func endedBySpec(pod *corev1.Pod) bool {
	s := pod.Status
	return s.Phase == corev1.PodFailed && pod.DeletionTimestamp == nil && condition(pod, corev1.DisruptionTarget) == nil &&
		s.Reason != "" && !endsForNode[s.Reason] && !nodeTrouble.MatchString(s.Message)
}
