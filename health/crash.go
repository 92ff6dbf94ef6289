package health

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// crashLoopExits is how often a container must have exited to count as a crash loop. It may lose a
// race with a neighbour that starts at the same time: the kubelet restarts it at once, so that two
// exits prove no more than one. Before the third run it waits for 10 s.
const crashLoopExits = 3

// longestBackOff is the longest time that the kubelet waits before it restarts a container
// (k8s.io/kubernetes/pkg/kubelet/kubelet.go, MaxContainerBackOff). A container that crashed and has
// run that long has recovered.
const longestBackOff = 5 * time.Minute

// crash detects a crash loop by a container's last exit and its restarts. The reason
// CrashLoopBackOff comes seconds late, or never where the back-off is short. It ignores runs that
// started before StartedAfter, and containers that run at the moment, which may have recovered.
func (a *assessment) crash(pod *corev1.Pod, s corev1.ContainerStatus, w witness) (signal, bool) {
	end := lastEnd(s)
	if end == nil || s.Ready || s.State.Running != nil || exits(s) < crashLoopExits || !a.crashed(pod, end) {
		return signal{}, false
	}
	out := a.crashSignal(pod, s, end)
	out.class, out.since, out.grace = strong, w.since, a.strongGrace()
	return out, true
}

// strongGrace returns the grace period of a strong signal.
func (a *assessment) strongGrace() time.Duration {
	if a.recreate() {
		return recreateGrace
	}
	return strongGrace
}

// lastEnd returns how the last run of a container ended; nil where none has.
func lastEnd(s corev1.ContainerStatus) *corev1.ContainerStateTerminated {
	return cmp.Or(s.State.Terminated, s.LastTerminationState.Terminated)
}

// crashed reports whether a run ended by itself or by a probe: not by a reboot of its node, nor by
// a resize of the pod in place.
func (a *assessment) crashed(pod *corev1.Pod, end *corev1.ContainerStateTerminated) bool {
	// The kubelet finds a container gone and gives these reasons
	// (k8s.io/kubernetes/pkg/kubelet/kubelet_pods.go, and the CRI's reason for an unknown state).
	lost := end.Reason == "ContainerStatusUnknown" || end.Reason == "Unknown"
	resized := conditionTrue(pod, corev1.PodResizeInProgress) || conditionTrue(pod, corev1.PodResizePending)
	return !lost && !resized && !end.StartedAt.Time.Before(a.StartedAfter.Truncate(time.Second))
}

// loops returns the crash loops of a pod, whether or not its containers run at the moment: without
// a readiness probe a container is ready between two crashes.
func (a *assessment) loops(pod *corev1.Pod, template *corev1.PodSpec, needed int) signals {
	var found signals
	for _, s := range statuses(pod) {
		end := lastEnd(s)
		if end == nil || exits(s) < needed || !a.crashed(pod, end) || injected(template, s.Name) {
			continue
		}
		out := a.crashSignal(pod, s, end)
		if s.Ready || s.State.Running != nil {
			if out.until = end.FinishedAt.Add(longestBackOff); !a.now.Before(out.until) {
				continue
			}
			a.wake(out.until)
		}
		// It begins with the loop, and each run tells another time.
		out.class, out.since = weak, a.since(sighting{looping, pod.Name, s.Name}, time.Time{})
		if a.Memory == nil {
			out.since = lostReadiness(pod, end.FinishedAt.Time)
		}
		found = append(found, out)
	}
	return found
}

// exits returns how often a container has exited: its restarts, and one more while it is down.
func exits(s corev1.ContainerStatus) int {
	if s.State.Running != nil || s.State.Terminated == nil && s.LastTerminationState.Terminated == nil {
		return int(s.RestartCount)
	}
	return int(s.RestartCount) + 1
}

func (a *assessment) crashSignal(pod *corev1.Pod, s corev1.ContainerStatus, end *corev1.ContainerStateTerminated) signal {
	return signal{
		Failure: Failure{
			Pod: pod.Name, Container: s.Name, Reason: end.Reason, Message: end.Message,
			ExitCode: new(end.ExitCode), RestartCount: s.RestartCount, Ran: true,
		},
		kind: crashes, cause: a.crashCause(pod, s, end),
	}
}

func (a *assessment) crashCause(pod *corev1.Pod, s corev1.ContainerStatus, end *corev1.ContainerStateTerminated) string {
	restarts := fmt.Sprintf("%d restarts", s.RestartCount)
	if s.RestartCount == 1 {
		restarts = "1 restart"
	}
	hook, hooked := a.postStartFailure(pod, s)
	probe := a.killedByProbe(pod, s.Name)
	switch {
	case end.Reason == "OOMKilled":
		return fmt.Sprintf("container %s is out of memory: OOMKilled (%s)", s.Name, restarts)
	case startError(end):
		return fmt.Sprintf("container %s cannot start (%s): %s", s.Name, restarts, innermost(end.Message))
	case hooked:
		return fmt.Sprintf("container %s is restarted because its postStart hook fails (%s): %s", s.Name, restarts, hook)
	case probe != "":
		return fmt.Sprintf("container %s is restarted because its %s probe fails (%s)%s", s.Name, probe, restarts,
			because(a.probeWords(pod, s.Name, probe)))
	case end.ExitCode == 0:
		return fmt.Sprintf("container %s exits by itself with code 0 (%s)", s.Name, restarts)
	default:
		return fmt.Sprintf("container %s exits %d (%s)", s.Name, end.ExitCode, restarts)
	}
}

// killedByProbe returns the kind of the probe for which the kubelet last killed a container, such
// as "liveness"; empty if for none
// (k8s.io/kubernetes/pkg/kubelet/kuberuntime/kuberuntime_manager.go, computePodActions).
func (a *assessment) killedByProbe(pod *corev1.Pod, container string) (probe string) {
	for _, e := range a.eventsOf(pod, container) {
		if e.Reason != "Killing" {
			continue
		}
		if words, found := strings.CutPrefix(e.Message, "Container "+container+" failed "); found {
			if kind, _, found := strings.Cut(words, " probe"); found {
				probe = kind
			}
		}
	}
	return probe
}

// postStartFailure returns the kubelet's words about a postStart hook that failed, and whether one
// did (k8s.io/kubernetes/pkg/kubelet/kuberuntime/kuberuntime_container.go, startContainer).
func (a *assessment) postStartFailure(pod *corev1.Pod, s corev1.ContainerStatus) (words string, failed bool) {
	if w := s.State.Waiting; w != nil && w.Reason == "PostStartHookError" {
		return w.Message, true
	}
	for _, e := range a.eventsOf(pod, s.Name) {
		if e.Reason == "FailedPostStartHook" && e.InvolvedObject.FieldPath != "" {
			words, failed = e.Message, true
		}
	}
	return words, failed
}

// because returns words as the end of a cause; empty where there are none.
func because(words string) string {
	if words == "" {
		return ""
	}
	return ": " + words
}

// eventsOf returns the Events about a pod, or about one container of it and the pod as a whole.
func (a *assessment) eventsOf(pod *corev1.Pod, container string) []*corev1.Event {
	var own []*corev1.Event
	for _, e := range a.Events {
		about := e.InvolvedObject
		if about.Kind != "Pod" || about.Name != pod.Name || about.UID != "" && pod.UID != "" && about.UID != pod.UID {
			continue
		}
		if container == "" || about.FieldPath == "" || strings.HasSuffix(about.FieldPath, "{"+container+"}") {
			own = append(own, e)
		}
	}
	return own
}
