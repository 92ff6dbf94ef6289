package health

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// How often a container must have exited to count as a crash loop. One exit may be a race with a
// neighbour that starts at the same time. Two are enough where the old pods, which run in the same
// environment, have never exited.
const (
	crashLoopExits     = 3
	exitsWhereOldClean = 2
)

// crash detects a crash loop by a container's last exit and its restarts. The reason
// CrashLoopBackOff comes seconds late, or never where the back-off is short. It ignores runs that
// started before StartedAfter, and containers that are ready, which may have recovered.
func (r Rollout) crash(pod *corev1.Pod, s corev1.ContainerStatus, clean bool) (signal, bool) {
	ended := s.State.Terminated
	if ended == nil {
		ended = s.LastTerminationState.Terminated
	}
	if ended == nil || s.Ready || ended.StartedAt.Time.Before(r.StartedAfter.Truncate(time.Second)) {
		return signal{}, false
	}
	needed := crashLoopExits
	if clean {
		needed = exitsWhereOldClean
	}
	if exits(s) < needed {
		return signal{}, false
	}
	grace := strongGrace
	if r.recreate() {
		grace = recreateGrace
	}
	code := ended.ExitCode
	return signal{
		Failure: Failure{
			Pod: pod.Name, Container: s.Name, Reason: ended.Reason, Message: ended.Message,
			ExitCode: &code, RestartCount: s.RestartCount, Ran: true,
		},
		class: strong, kind: crashes, since: scheduledAt(pod), grace: grace, cause: r.crashCause(pod, s, ended),
	}, true
}

// exits returns how often a container has exited: its restarts, and one more while it is down.
func exits(s corev1.ContainerStatus) int {
	if s.State.Running != nil || s.State.Terminated == nil && s.LastTerminationState.Terminated == nil {
		return int(s.RestartCount)
	}
	return int(s.RestartCount) + 1
}

func (r Rollout) crashCause(pod *corev1.Pod, s corev1.ContainerStatus, ended *corev1.ContainerStateTerminated) string {
	restarts := fmt.Sprintf("%d restarts", s.RestartCount)
	if s.RestartCount == 1 {
		restarts = "1 restart"
	}
	switch {
	case ended.Reason == "OOMKilled":
		return fmt.Sprintf("container %s ran out of memory: OOMKilled (%s)", s.Name, restarts)
	case r.killedByLiveness(pod, s.Name):
		return fmt.Sprintf("container %s is restarted because its liveness probe fails (%s)", s.Name, restarts)
	case ended.ExitCode == 0:
		return fmt.Sprintf("container %s exits by itself with code 0 (%s)", s.Name, restarts)
	default:
		return fmt.Sprintf("container %s exits %d (%s)", s.Name, ended.ExitCode, restarts)
	}
}

// killedByLiveness reports whether the kubelet killed a container because its liveness or startup
// probe failed (k8s.io/kubernetes/pkg/kubelet/kuberuntime/kuberuntime_manager.go,
// computePodActions).
func (r Rollout) killedByLiveness(pod *corev1.Pod, container string) bool {
	for _, e := range r.eventsOf(pod) {
		if e.Reason == "Killing" && strings.HasPrefix(e.Message, "Container "+container+" failed ") && strings.Contains(e.Message, "probe") {
			return true
		}
	}
	return false
}

// eventsOf returns the Events about a pod.
func (r Rollout) eventsOf(pod *corev1.Pod) []*corev1.Event {
	var own []*corev1.Event
	for _, e := range r.Events {
		if e.InvolvedObject.Kind == "Pod" && e.InvolvedObject.Name == pod.Name && (e.InvolvedObject.UID == "" || e.InvolvedObject.UID == pod.UID) {
			own = append(own, e)
		}
	}
	return own
}
