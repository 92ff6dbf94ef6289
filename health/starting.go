package health

import (
	"fmt"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// What registries and runtimes say; the kubelet passes it on as text only.
var (
	// imageMissing is that an image does not exist.
	imageMissing = regexp.MustCompile(`(?i)not found|manifest unknown|name unknown|does not exist`)
	// loginAsked is that a registry lets nobody see whether the image exists, as Docker Hub answers
	// for what is private and for what does not exist
	// (github.com/containerd/containerd/remotes/docker/resolver.go).
	loginAsked = regexp.MustCompile(`(?i)may require authorization|insufficient_scope|access denied|unauthorized`)
	// notExecutable is that what is to be started does not exist or cannot be executed.
	notExecutable = regexp.MustCompile(`(?i)executable file not found|no such file or directory|permission denied|exec format error|is a directory`)
	// secretMissing is what the kubelet says of a Secret that is not there or lacks a key
	// (k8s.io/kubernetes/pkg/kubelet/kubelet_pods.go).
	secretMissing = regexp.MustCompile(`(?i)\bsecret\b`)
)

// cannotStart judges a container that waits for its start.
func cannotStart(pod *corev1.Pod, s corev1.ContainerStatus) (signal, bool) {
	w := s.State.Waiting
	if w == nil {
		return notStarted(pod, s)
	}
	out := signal{
		Failure: Failure{Pod: pod.Name, Container: s.Name, Reason: w.Reason, Message: w.Message, RestartCount: s.RestartCount},
		kind:    image, since: placedAt(pod),
		cause: fmt.Sprintf("container %s: %s: %s", s.Name, w.Reason, w.Message),
	}
	switch w.Reason {
	case "InvalidImageName", "ErrImageNeverPull":
		out.class, out.patience = certain, certainPatience
	case "ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", "ErrImagePullBackOff":
		out.class, out.outside = weak, true
		if imageMissing.MatchString(w.Message) && !loginAsked.MatchString(w.Message) {
			out.class, out.patience = certain, certainPatience
			out.cause = fmt.Sprintf("container %s: image %s not found", s.Name, imageOf(pod, s.Name))
		}
	case "CreateContainerConfigError":
		out.kind, out.class, out.patience = starting, medium, mediumPatience
		out.cause = fmt.Sprintf("container %s: %s", s.Name, w.Message)
		out.outside = secretMissing.MatchString(w.Message)
	case "CreateContainerError", "RunContainerError":
		out.kind, out.class = starting, weak
		if notExecutable.MatchString(w.Message) {
			out.class, out.patience = certain, certainPatience
			out.cause = fmt.Sprintf("container %s cannot be started: %s", s.Name, lastClause(w.Message))
		}
	default:
		return notStarted(pod, s)
	}
	return out, true
}

// notStarted judges a container whose start failed by how that ended: the kubelet shows it as a
// termination.
func notStarted(pod *corev1.Pod, s corev1.ContainerStatus) (signal, bool) {
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
		class: certain, kind: starting, since: placedAt(pod), patience: certainPatience,
		cause: fmt.Sprintf("container %s cannot be started: %s", s.Name, lastClause(ended.Message)),
	}, true
}

// lastClause is what a runtime says last: the layers that passed it on stand before.
func lastClause(message string) string {
	message = strings.Join(strings.Fields(message), " ")
	if at := strings.LastIndex(message, "exec: "); at >= 0 {
		return message[at+len("exec: "):]
	}
	return message
}

// unplacedPod judges a pod that has no node yet.
func unplacedPod(pod *corev1.Pod) (signal, bool) {
	c := condition(pod, corev1.PodScheduled)
	if c == nil || c.Status != corev1.ConditionFalse {
		return signal{}, false
	}
	return signal{
		Failure: Failure{Pod: pod.Name, Reason: c.Reason, Message: c.Message},
		class:   weak, kind: unplaced, outside: true,
		cause: fmt.Sprintf("pod %s has no node: %s", pod.Name, c.Message),
	}, true
}

// imageOf is the image that the pod asks for: its status may hold another spelling.
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
