package health

import (
	"fmt"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"reprise.dev/reprise/internal/oneline"
)

// Messages of registries and container runtimes. The kubelet passes them on only as text.
var (
	// imageMissing matches an image that does not exist.
	imageMissing = regexp.MustCompile(`(?i)not found|manifest unknown|name unknown|does not exist`)
	// authRequired matches a registry that hides whether the image exists. Docker Hub answers so for
	// private and for missing images (github.com/containerd/containerd/remotes/docker/resolver.go).
	authRequired = regexp.MustCompile(`(?i)may require authorization|insufficient_scope|access denied|unauthorized`)
	// notExecutable matches a command that does not exist or cannot be executed.
	notExecutable = regexp.MustCompile(`(?i)executable file not found|no such file or directory|permission denied|exec format error|is a directory`)
	// secretMissing matches the kubelet's message about a Secret that is missing or lacks a key
	// (k8s.io/kubernetes/pkg/kubelet/kubelet_pods.go).
	secretMissing = regexp.MustCompile(`(?i)\bsecret\b`)
)

// startFailure detects a container that waits because it cannot start.
func startFailure(pod *corev1.Pod, s corev1.ContainerStatus) (signal, bool) {
	w := s.State.Waiting
	if w == nil {
		return failedStart(pod, s)
	}
	out := signal{
		Failure: Failure{Pod: pod.Name, Container: s.Name, Reason: w.Reason, Message: w.Message, RestartCount: s.RestartCount},
		kind:    imagePull, since: scheduledAt(pod),
		cause: fmt.Sprintf("container %s: %s: %s", s.Name, w.Reason, w.Message),
	}
	switch w.Reason {
	case "InvalidImageName", "ErrImageNeverPull":
		out.class, out.grace = certain, certainGrace
	case "ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", "ErrImagePullBackOff":
		out.class, out.external = weak, true
		if imageMissing.MatchString(w.Message) && !authRequired.MatchString(w.Message) {
			out.class, out.grace = certain, certainGrace
			out.cause = fmt.Sprintf("container %s: image %s not found", s.Name, imageOf(pod, s.Name))
		}
	case "CreateContainerConfigError":
		out.kind, out.class, out.grace = starting, medium, mediumGrace
		out.cause = fmt.Sprintf("container %s: %s", s.Name, w.Message)
		out.external = secretMissing.MatchString(w.Message)
	case "CreateContainerError", "RunContainerError":
		out.kind, out.class = starting, weak
		if notExecutable.MatchString(w.Message) {
			out.class, out.grace = certain, certainGrace
			out.cause = fmt.Sprintf("container %s cannot start: %s", s.Name, lastClause(w.Message))
		}
	default:
		return failedStart(pod, s)
	}
	return out, true
}

// failedStart detects a container whose start failed. The kubelet reports that as a termination.
func failedStart(pod *corev1.Pod, s corev1.ContainerStatus) (signal, bool) {
	ended := s.State.Terminated
	if ended == nil {
		ended = s.LastTerminationState.Terminated
	}
	if ended == nil || s.Ready || (ended.Reason != "StartError" && ended.Reason != "ContainerCannotRun") || !notExecutable.MatchString(ended.Message) {
		return signal{}, false
	}
	code := ended.ExitCode
	return signal{
		Failure: Failure{
			Pod: pod.Name, Container: s.Name, Reason: ended.Reason, Message: ended.Message, ExitCode: &code, RestartCount: s.RestartCount,
		},
		class: certain, kind: starting, since: scheduledAt(pod), grace: certainGrace,
		cause: fmt.Sprintf("container %s cannot start: %s", s.Name, lastClause(ended.Message)),
	}, true
}

// lastClause returns the innermost error of a runtime's message, without the layers that wrapped
// it.
func lastClause(message string) string {
	message = oneline.Of(message)
	if at := strings.LastIndex(message, "exec: "); at >= 0 {
		return message[at+len("exec: "):]
	}
	return message
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
