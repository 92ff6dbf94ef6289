package health

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// notReady detects a running container that does not become ready by its readiness probe in time.
// Kubernetes never stops such a container, and a slow one becomes ready later. Its grace period is
// the longest of the time that its probes may need, twice the time of the slowest old pod, and
// mediumGrace.
func (r Rollout) notReady(pod *corev1.Pod, s corev1.ContainerStatus, spec *corev1.Container, slowest time.Duration) (signal, bool) {
	running := s.State.Running
	if running == nil || s.Ready || spec == nil || spec.ReadinessProbe == nil || running.StartedAt.Time.Before(r.StartedAfter.Truncate(time.Second)) {
		return signal{}, false
	}
	needs := probeWindow(spec.ReadinessProbe)
	if spec.StartupProbe != nil {
		needs += probeWindow(spec.StartupProbe)
	}
	grace := max(needs, 2*slowest, mediumGrace)
	cause := fmt.Sprintf("container %s did not become ready within %s", s.Name, grace.Round(time.Second))
	if words := r.probeFailure(pod); words != "" {
		cause += ": " + words
	}
	return signal{
		Failure: Failure{Pod: pod.Name, Container: s.Name, Reason: "NotReady", Message: r.probeFailure(pod), RestartCount: s.RestartCount, Ran: true},
		class:   medium, kind: unready, since: running.StartedAt.Time, grace: grace, cause: cause,
	}, true
}

// probeWindow returns how long a container may take from its start until a probe has decided, with
// the API's defaults. The formula is kubedog's (github.com/werf/kubedog/pkg/tracker/pod): the
// initial delay, up to one and a half periods until the probe runs, and as many periods and
// timeouts as the thresholds require.
func probeWindow(p *corev1.Probe) time.Duration {
	period, timeout := orDefault(p.PeriodSeconds, 10), orDefault(p.TimeoutSeconds, 1)
	rounds := max(0, orDefault(p.FailureThreshold, 3)+orDefault(p.SuccessThreshold, 1)-3)
	seconds := float64(p.InitialDelaySeconds+period+2*timeout+rounds*period) + float64(period)/2
	return time.Duration(seconds * float64(time.Second))
}

func orDefault(value, byDefault int32) int32 {
	if value <= 0 {
		return byDefault
	}
	return value
}

// probeFailure returns the kubelet's last message about a pod's readiness probe.
func (r Rollout) probeFailure(pod *corev1.Pod) string {
	var last *corev1.Event
	for _, e := range r.eventsOf(pod) {
		if e.Reason == "Unhealthy" && strings.HasPrefix(e.Message, "Readiness probe") {
			last = e
		}
	}
	if last == nil {
		return ""
	}
	return last.Message
}
