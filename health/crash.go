package health

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// How often a container must have ended before it is a crash loop. Once may be a race with a
// neighbour that starts at the same time; where the old pods, which run in the same surroundings,
// have never ended, twice is enough.
const (
	endsOfALoop      = 3
	endsWhereOldWell = 2
)

// crash judges a container by its last end and its restarts: the reason CrashLoopBackOff comes
// seconds late, or never where the back-off is short. A run that started before StartedAfter says
// nothing, and a container that is ready now may have got over it.
func (r Rollout) crash(pod *corev1.Pod, s corev1.ContainerStatus, clean bool) (signal, bool) {
	ended := s.State.Terminated
	if ended == nil {
		ended = s.LastTerminationState.Terminated
	}
	if ended == nil || s.Ready || ended.StartedAt.Time.Before(r.StartedAfter.Truncate(time.Second)) {
		return signal{}, false
	}
	needed := endsOfALoop
	if clean {
		needed = endsWhereOldWell
	}
	if ends(s) < needed {
		return signal{}, false
	}
	patience := strongPatience
	if r.recreate() {
		patience = recreatePatience
	}
	code := ended.ExitCode
	return signal{
		Failure: Failure{
			Pod: pod.Name, Container: s.Name, Reason: ended.Reason, Message: ended.Message,
			ExitCode: &code, RestartCount: s.RestartCount, Ran: true,
		},
		class: strong, kind: crashes, since: placedAt(pod), patience: patience, cause: r.crashCause(pod, s, ended),
	}, true
}

// ends is how often a container has ended: as often as it was restarted, and once more while it is
// down.
func ends(s corev1.ContainerStatus) int {
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
		return fmt.Sprintf("container %s is out of memory: OOMKilled (%s)", s.Name, restarts)
	case r.killedByLiveness(pod, s.Name):
		return fmt.Sprintf("container %s is killed since its liveness probe fails (%s)", s.Name, restarts)
	case ended.ExitCode == 0:
		return fmt.Sprintf("container %s ends by itself, with exit code 0 (%s)", s.Name, restarts)
	default:
		return fmt.Sprintf("container %s exits %d (%s)", s.Name, ended.ExitCode, restarts)
	}
}

// killedByLiveness says whether the kubelet told that it kills a container for its liveness or
// startup probe (k8s.io/kubernetes/pkg/kubelet/kuberuntime/kuberuntime_manager.go,
// computePodActions).
func (r Rollout) killedByLiveness(pod *corev1.Pod, container string) bool {
	for _, e := range r.eventsOf(pod) {
		if e.Reason == "Killing" && strings.HasPrefix(e.Message, "Container "+container+" failed ") && strings.Contains(e.Message, "probe") {
			return true
		}
	}
	return false
}

// eventsOf are the Events about a pod.
func (r Rollout) eventsOf(pod *corev1.Pod) []*corev1.Event {
	var own []*corev1.Event
	for _, e := range r.Events {
		if e.InvolvedObject.Kind == "Pod" && e.InvolvedObject.Name == pod.Name && (e.InvolvedObject.UID == "" || e.InvolvedObject.UID == pod.UID) {
			own = append(own, e)
		}
	}
	return own
}
