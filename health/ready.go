package health

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// unknownGrace is the shortest time for a container to become ready where nobody knows how long its
// predecessors took. With Recreate, no old pod is left to tell.
const unknownGrace = 3 * time.Minute

// notReady detects a running container that does not become ready by its readiness probe in time.
// Kubernetes never stops such a container, and a slow one becomes ready later. Its grace period is
// the longest of the time that its probes may need, twice the time of the slowest old pod, and
// mediumGrace. One that was ready has as long to become ready again.
func (a *assessment) notReady(pod *corev1.Pod, s corev1.ContainerStatus, spec *corev1.Container, old controlGroup) (signal, bool) {
	running := s.State.Running
	if running == nil || s.Ready || spec == nil || spec.ReadinessProbe == nil || running.StartedAt.Time.Before(a.StartedAfter.Truncate(time.Second)) {
		return signal{}, false
	}
	needs := probeWindow(spec.ReadinessProbe)
	if spec.StartupProbe != nil {
		needs += probeWindow(spec.StartupProbe)
	}
	shortest := mediumGrace
	if old.slowest == 0 {
		shortest = unknownGrace
	}
	grace := max(needs, 2*old.slowest, shortest)
	probe := "readiness"
	if spec.StartupProbe != nil && s.Started != nil && !*s.Started {
		probe = "startup"
	}
	words := a.probeWords(pod, s.Name, probe)
	out := signal{
		Failure: Failure{Pod: pod.Name, Container: s.Name, Reason: "NotReady", Message: words, RestartCount: s.RestartCount, Ran: true},
		class:   medium, kind: unready, grace: grace,
		cause: fmt.Sprintf("container %s did not become ready within %s%s", s.Name, grace.Round(time.Second), because(words)),
	}
	out.since = a.since(out.sighting(), lostReadiness(pod, running.StartedAt.Time))
	return out, true
}

// lostReadiness returns since when a pod has not been ready: since a time at the earliest.
func lostReadiness(pod *corev1.Pod, earliest time.Time) time.Time {
	c := condition(pod, corev1.PodReady)
	if c != nil && c.Status != corev1.ConditionTrue && c.LastTransitionTime.After(earliest) {
		return c.LastTransitionTime.Time
	}
	return earliest
}

// probeWindow returns how long a container may take from its start until a probe has decided, with
// the API's defaults. The formula is kubedog's (github.com/werf/kubedog/pkg/tracker/pod): the
// initial delay, up to one and a half periods until the probe runs, and as many periods and
// timeouts as the thresholds require. A probe that hangs delays the next one by its timeout
// (k8s.io/kubernetes/pkg/kubelet/prober/worker.go).
func probeWindow(p *corev1.Probe) time.Duration {
	period, timeout := orDefault(p.PeriodSeconds, 10), orDefault(p.TimeoutSeconds, 1)
	rounds := max(0, orDefault(p.FailureThreshold, 3)+orDefault(p.SuccessThreshold, 1)-3)
	seconds := float64(p.InitialDelaySeconds) + float64(period) + 2*float64(timeout) + float64(rounds)*float64(max(period, timeout)) + float64(period)/2
	return time.Duration(seconds * float64(time.Second))
}

func orDefault(value, byDefault int32) int32 {
	if value <= 0 {
		return byDefault
	}
	return value
}

// probeWords returns the kubelet's last message about a probe of a container, such as its
// "readiness" probe.
func (a *assessment) probeWords(pod *corev1.Pod, container, probe string) (words string) {
	for _, e := range a.eventsOf(pod, container) {
		if e.Reason == "Unhealthy" && strings.HasPrefix(strings.ToLower(e.Message), probe+" probe") {
			words = e.Message
		}
	}
	return words
}
