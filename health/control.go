package health

import (
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// longestBackOff is the longest time that the kubelet waits between a container's end and its next
// start (k8s.io/kubernetes/pkg/kubelet/kubelet.go, MaxContainerBackOff): one that crashes and ran
// that long has got over it.
const longestBackOff = 5 * time.Minute

// controlGroup are the pods of the revisions before that may have been well: they run in the same
// surroundings without the change.
type controlGroup struct {
	pods []*corev1.Pod
	// clean says that there are some, and that none of their containers has ever failed.
	clean bool
	// slowest is how long the slowest of them needed from the start of its containers until it was
	// ready.
	slowest time.Duration
}

func (r Rollout) controls(current *appsv1.ReplicaSet) controlGroup {
	var old controlGroup
	for _, set := range r.ReplicaSets {
		if set.UID != current.UID && metav1.IsControlledBy(set, r.Deployment) && !slices.Contains(r.NeverWell, set.UID) {
			own, _ := r.telling(set)
			old.pods = append(old.pods, own...)
		}
	}
	old.clean = len(old.pods) > 0
	for _, pod := range old.pods {
		old.slowest = max(old.slowest, tookToBeReady(pod))
		if slices.ContainsFunc(slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses), hasFailed) {
			old.clean = false
		}
	}
	return old
}

// hasFailed says whether a container has ever ended in another way than an init container that has
// done its work.
func hasFailed(s corev1.ContainerStatus) bool {
	return s.RestartCount > 0 || s.LastTerminationState.Terminated != nil || s.State.Terminated != nil && s.State.Terminated.ExitCode != 0
}

// tookToBeReady is how long a pod needed from the start of its containers until it was ready. One
// that became ready anew since counts as slower than it was, which only adds patience.
func tookToBeReady(pod *corev1.Pod) time.Duration {
	var longest time.Duration
	ready := readySince(pod)
	for _, s := range pod.Status.ContainerStatuses {
		if !ready.IsZero() && s.State.Running != nil && !s.State.Running.StartedAt.IsZero() {
			longest = max(longest, ready.Sub(s.State.Running.StartedAt.Time))
		}
	}
	return longest
}

// alike says why what fails is not the change's fault, or nothing, and until when that holds, zero
// where it holds until something changes: old pods fail in the same way. Where Score's files
// changed they say nothing, since they mount the new ones.
func (r Rollout) alike(failing signals, old controlGroup, now time.Time) (why string, until time.Time) {
	if len(failing) == 0 || r.FilesChanged {
		return "", time.Time{}
	}
	for _, pod := range old.pods {
		for _, s := range append(r.ofPod(pod, old), r.lately(pod, now)...) {
			if slices.ContainsFunc(failing, func(f signal) bool { return f.kind == s.kind && f.Container == s.Container }) {
				why = brief(fmt.Sprintf("old pods fail in the same way, so the cause lies outside of this change: pod %s, %s", s.Pod, s.cause))
				return why, s.until
			}
		}
	}
	return "", time.Time{}
}

// lately are the crash loops of a pod whose containers happen to run now: one without a readiness
// probe is ready between two crashes.
func (r Rollout) lately(pod *corev1.Pod, now time.Time) signals {
	var found signals
	for _, status := range pod.Status.ContainerStatuses {
		ended := status.LastTerminationState.Terminated
		if ended == nil || status.State.Running == nil || ends(status) < endsWhereOldWell {
			continue
		}
		if until := ended.FinishedAt.Add(longestBackOff); now.Before(until) {
			found = append(found, signal{
				Failure: Failure{Pod: pod.Name, Container: status.Name}, kind: crashes, until: until, cause: r.crashCause(pod, status, ended),
			})
		}
	}
	return found
}
