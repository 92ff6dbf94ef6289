package health

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// notReady judges a container that runs and does not become ready by its readiness probe in time.
// Nothing ends such a container, and one that is only slow becomes ready yet: it is given as long
// as its probes need at most, as twice the slowest of the old pods needed, and mediumPatience at
// least.
func (r Rollout) notReady(pod *corev1.Pod, s corev1.ContainerStatus, spec *corev1.Container, slowest time.Duration) (signal, bool) {
	running := s.State.Running
	if running == nil || s.Ready || spec == nil || spec.ReadinessProbe == nil || running.StartedAt.Time.Before(r.StartedAfter.Truncate(time.Second)) {
		return signal{}, false
	}
	needs := probeWindow(spec.ReadinessProbe)
	if spec.StartupProbe != nil {
		needs += probeWindow(spec.StartupProbe)
	}
	patience := max(needs, 2*slowest, mediumPatience)
	cause := fmt.Sprintf("container %s runs and is not ready within %s", s.Name, patience.Round(time.Second))
	if words := r.probeFailure(pod); words != "" {
		cause += ": " + words
	}
	return signal{
		Failure: Failure{Pod: pod.Name, Container: s.Name, Reason: "NotReady", Message: r.probeFailure(pod), RestartCount: s.RestartCount, Ran: true},
		class:   medium, kind: unready, since: running.StartedAt.Time, patience: patience, cause: cause,
	}, true
}

// probeWindow is how long a container may take from its start until a probe has decided, with the
// API's defaults for what is not set. The formula is kubedog's
// (github.com/werf/kubedog/pkg/tracker/pod): the initial delay, up to one and a half periods until
// the probe runs, and as many periods and timeouts as the thresholds ask for.
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

// probeFailure is what the kubelet said last of a probe of a pod.
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
