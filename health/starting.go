package health

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// startFailure detects a container that waits because it cannot start.
func (a *assessment) startFailure(pod *corev1.Pod, s corev1.ContainerStatus, w witness) (signal, bool) {
	waits := s.State.Waiting
	if waits == nil {
		return a.failedStart(pod, s, w)
	}
	out := signal{
		Failure: Failure{Pod: pod.Name, Container: s.Name, Reason: waits.Reason, Message: waits.Message, RestartCount: s.RestartCount},
		kind:    starting, cause: fmt.Sprintf("container %s: %s: %s", s.Name, waits.Reason, innermost(waits.Message)),
	}
	switch waits.Reason {
	case "InvalidImageName", "ErrImageNeverPull":
		out.kind, out.class, out.grace = imagePull, certain, certainGrace
	case "ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", "ErrImagePullBackOff", "SignatureValidationFailed", "ImageInspectError":
		out = pullFailure(pod, out)
	case "CreateContainerConfigError":
		out.class, out.grace = medium, mediumGrace
		out.cause = fmt.Sprintf("container %s: %s", s.Name, waits.Message)
		switch {
		case neverConfigured.match(waits.Message):
			out.class, out.grace = certain, certainGrace
		case kubeletCatchesUp.match(waits.Message):
			out.class = weak
		default:
			out.external = secretMissing.MatchString(waits.Message)
		}
	case "CreateContainerError", "RunContainerError":
		out.class = weak
		if neverStarts.match(waits.Message) {
			out.class, out.grace = certain, certainGrace
			out.cause = fmt.Sprintf("container %s cannot start: %s", s.Name, innermost(waits.Message))
		}
	default:
		return a.failedStart(pod, s, w)
	}
	return a.started(out, pod, w), true
}

// started returns the failure of a start with its beginning. A certain one is due soon after the
// start of its pod, but not before it was seen again: the kubelet repeats at once what a runtime
// fails once. The others last from when they show, which after a long pull is late.
func (a *assessment) started(out signal, pod *corev1.Pod, w witness) signal {
	out.since = a.since(out.sighting(), scheduledAt(pod))
	if out.class == certain {
		out.since, out.seen = w.since, out.since
	}
	return out
}

// pullFailure classifies an error of a pull.
func pullFailure(pod *corev1.Pod, out signal) signal {
	image, message := imageOf(pod, out.Container), strings.TrimSpace(out.Message)
	out.kind, out.class, out.external = imagePull, weak, true
	out.cause = fmt.Sprintf("container %s: %s: image %s: %s", out.Container, out.Reason, image, innermost(message))
	switch {
	case out.Reason == "SignatureValidationFailed" || imageRejected.match(message) || imageUnfit.match(message):
		// A signature, a scan or the image of another platform may follow its push.
		out.class, out.grace = medium, mediumGrace
	case imageMissing.match(message) && !imageDigestOnly.MatchString(message):
		out.class, out.grace = certain, certainGrace
		out.cause = fmt.Sprintf("container %s: image %s not found", out.Container, image)
	}
	return out
}

// failedStart detects a container whose start failed. The kubelet reports that as a termination. A
// container that runs by now has started.
func (a *assessment) failedStart(pod *corev1.Pod, s corev1.ContainerStatus, w witness) (signal, bool) {
	end := lastEnd(s)
	if end == nil || s.Ready || s.State.Running != nil || !startError(end) || !neverStarts.match(end.Message) {
		return signal{}, false
	}
	out := signal{
		Failure: Failure{
			Pod: pod.Name, Container: s.Name, Reason: end.Reason, Message: end.Message, ExitCode: new(end.ExitCode), RestartCount: s.RestartCount,
		},
		class: certain, kind: starting, grace: certainGrace,
		cause: fmt.Sprintf("container %s cannot start: %s", s.Name, innermost(end.Message)),
	}
	return a.started(out, pod, w), true
}

// startError reports whether a container's end was one of its start, before its first instruction.
func startError(end *corev1.ContainerStateTerminated) bool {
	return end.Reason == "StartError" || end.Reason == "ContainerCannotRun"
}

// sighting returns by what a signal is remembered. It begins anew where it becomes more certain.
func (s signal) sighting() sighting {
	return sighting{fmt.Sprintf("%s %d", s.kind, s.class), s.Pod, s.Container}
}

// unscheduledPod detects a pod that has no node.
func unscheduledPod(pod *corev1.Pod) (signal, bool) {
	c := condition(pod, corev1.PodScheduled)
	if c == nil || c.Status != corev1.ConditionFalse {
		return signal{}, false
	}
	return signal{
		Failure: Failure{Pod: pod.Name, Reason: c.Reason, Message: c.Message},
		class:   weak, kind: unscheduled, external: true,
		cause: fmt.Sprintf("pod %s is not scheduled: %s", pod.Name, c.Message),
	}, true
}

// imageOf returns the image in the pod's spec. The status may spell it differently.
func imageOf(pod *corev1.Pod, container string) string {
	for _, list := range [][]corev1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
		for _, c := range list {
			if c.Name == container {
				return c.Image
			}
		}
	}
	return ""
}
