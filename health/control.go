package health

import (
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// longestBackOff is the longest time that the kubelet waits before it restarts a container
// (k8s.io/kubernetes/pkg/kubelet/kubelet.go, MaxContainerBackOff). A container that crashed and has
// run that long has recovered.
const longestBackOff = 5 * time.Minute

// controlGroup holds the pods of earlier revisions that may have been healthy. They run in the same
// environment without the change.
type controlGroup struct {
	pods []*corev1.Pod
	// clean reports whether there are such pods and none of their containers has ever failed.
	clean bool
	// slowest is the longest time from the start of a pod's containers until it was ready.
	slowest time.Duration
}

func (r Rollout) controls(current *appsv1.ReplicaSet) controlGroup {
	var old controlGroup
	for _, set := range r.ReplicaSets {
		if set.UID != current.UID && metav1.IsControlledBy(set, r.Deployment) && !slices.Contains(r.NeverHealthy, set.UID) {
			own, _ := r.conclusivePods(set)
			old.pods = append(old.pods, own...)
		}
	}
	old.clean = len(old.pods) > 0
	for _, pod := range old.pods {
		old.slowest = max(old.slowest, timeToReady(pod))
		if slices.ContainsFunc(slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses), hasFailed) {
			old.clean = false
		}
	}
	return old
}

// hasFailed reports whether a container has ever exited, other than an init container that
// succeeded.
func hasFailed(s corev1.ContainerStatus) bool {
	return s.RestartCount > 0 || s.LastTerminationState.Terminated != nil || s.State.Terminated != nil && s.State.Terminated.ExitCode != 0
}

// timeToReady returns the time from the start of a pod's containers until it was ready. For a pod
// that became ready again it is too long, which only extends a grace period.
func timeToReady(pod *corev1.Pod) time.Duration {
	var longest time.Duration
	ready := readySince(pod)
	for _, s := range pod.Status.ContainerStatuses {
		if !ready.IsZero() && s.State.Running != nil && !s.State.Running.StartedAt.IsZero() {
			longest = max(longest, ready.Sub(s.State.Running.StartedAt.Time))
		}
	}
	return longest
}

// sharedFailure returns a reason where old pods fail the same way, so that the change is not the
// cause, and until when the reason holds; zero where it holds until something changes. It returns
// none where Score's files changed, since old pods mount the new files too.
func (r Rollout) sharedFailure(failing signals, old controlGroup, now time.Time) (why string, until time.Time) {
	if len(failing) == 0 || r.FilesChanged {
		return "", time.Time{}
	}
	for _, pod := range old.pods {
		for _, s := range append(r.ofPod(pod, old), r.recentCrashes(pod, now)...) {
			if slices.ContainsFunc(failing, func(f signal) bool { return f.kind == s.kind && f.Container == s.Container }) {
				why = causeLine(fmt.Sprintf("old pods fail the same way, so this change is not the cause: pod %s, %s", s.Pod, s.cause))
				return why, s.until
			}
		}
	}
	return "", time.Time{}
}

// recentCrashes returns the crash loops of a pod whose containers are running at the moment. A
// container without a readiness probe is ready between two crashes.
func (r Rollout) recentCrashes(pod *corev1.Pod, now time.Time) signals {
	var found signals
	for _, status := range pod.Status.ContainerStatuses {
		ended := status.LastTerminationState.Terminated
		if ended == nil || status.State.Running == nil || exits(status) < exitsWhereOldClean {
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
