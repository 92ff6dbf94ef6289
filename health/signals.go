package health

import (
	"fmt"
	"regexp"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// How long a signal must last before it is a failure.
const (
	// certainPatience lets a signal that cannot heal be seen more than once.
	certainPatience = 4 * time.Second
	// mediumPatience waits for what is often a few seconds late, such as an object applied after its user.
	mediumPatience = 60 * time.Second
)

// crashRestarts is how often all new containers must have been restarted before it is a crash loop: once may
// be a race with a neighbour that starts at the same time.
const crashRestarts = 2

// imageMissing matches what registries and runtimes say of an image that does not exist. The kubelet passes it
// on as text only.
var imageMissing = regexp.MustCompile(`(?i)not found|manifest unknown|name unknown|does not exist`)

// failure judges by what fails. All new pods must fail before the rollout has: one may have met a bad node.
func failure(r Rollout, current *appsv1.ReplicaSet, pods []*corev1.Pod, now time.Time) Verdict {
	if refused := refusedCreate(current); refused != nil {
		if verdict := patient([]Failure{*refused}, now); verdict.State == Failed || len(pods) == 0 {
			return verdict
		}
	}
	var failures []Failure
	for _, pod := range pods {
		found := podFailures(pod, r.StartedAfter)
		if len(found) == 0 {
			return deadline(r, now)
		}
		failures = append(failures, found...)
	}
	if len(failures) == 0 {
		return deadline(r, now)
	}
	verdict := patient(failures, now)
	if verdict.State != Failed {
		if late := deadline(r, now); late.State == Failed {
			late.Cause, late.Failures = failures[0].cause+" ("+late.Cause+")", failures
			return late
		}
	}
	return verdict
}

// patient makes a failure of signals that have lasted; until then it says when to look again.
func patient(failures []Failure, now time.Time) Verdict {
	var wait time.Duration
	for _, f := range failures {
		wait = max(wait, f.since.Add(f.patience).Sub(now))
	}
	if wait > 0 {
		return Verdict{State: Progressing, Cause: failures[0].cause, Again: wait}
	}
	return Verdict{State: Failed, Cause: failures[0].cause, Failures: failures}
}

// deadline fails a rollout that makes no progress for too long, whatever the reason.
func deadline(r Rollout, now time.Time) Verdict {
	for _, condition := range r.Deployment.Status.Conditions {
		if condition.Type == appsv1.DeploymentProgressing && condition.Reason == "ProgressDeadlineExceeded" {
			return Verdict{State: Failed, Cause: "no progress within progressDeadlineSeconds: " + incomplete(r.Deployment)}
		}
	}
	why := incomplete(r.Deployment)
	if r.FailureDeadline == 0 || why == "" {
		return Verdict{State: Progressing, Cause: why}
	}
	left := r.AcceptedAt.Add(r.FailureDeadline).Sub(now)
	if left > 0 {
		return Verdict{State: Progressing, Cause: why, Again: left}
	}
	return Verdict{State: Failed, Cause: fmt.Sprintf("not complete within the failure deadline of %s: %s", r.FailureDeadline, why)}
}

// refusedCreate is the ReplicaSet's failure to create its pods.
func refusedCreate(set *appsv1.ReplicaSet) *Failure {
	for _, c := range set.Status.Conditions {
		if c.Type == appsv1.ReplicaSetReplicaFailure && c.Status == corev1.ConditionTrue && c.Reason == "FailedCreate" {
			return &Failure{
				Pod: set.Name, Reason: c.Reason, Message: c.Message, since: c.LastTransitionTime.Time,
				patience: mediumPatience, cause: "pods cannot be created: " + c.Message,
			}
		}
	}
	return nil
}

// podFailures are a pod's failing containers, init containers first, since nothing else starts before them.
func podFailures(pod *corev1.Pod, since time.Time) []Failure {
	var failures []Failure
	for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for _, status := range statuses {
			if f, ok := containerFailure(pod, status, since); ok {
				failures = append(failures, f)
			}
		}
		if len(failures) > 0 {
			return failures
		}
	}
	return failures
}

func containerFailure(pod *corev1.Pod, s corev1.ContainerStatus, since time.Time) (Failure, bool) {
	f := Failure{Pod: pod.Name, Container: s.Name, RestartCount: s.RestartCount, since: pod.CreationTimestamp.Time}
	if w := s.State.Waiting; w != nil {
		f.Reason, f.Message = w.Reason, w.Message
		switch w.Reason {
		case "InvalidImageName", "ErrImageNeverPull":
			f.patience, f.cause = certainPatience, fmt.Sprintf("container %s: %s: %s", s.Name, w.Reason, w.Message)
			return f, true
		case "ErrImagePull", "ImagePullBackOff":
			f.patience, f.cause = certainPatience, fmt.Sprintf("container %s: image %s not found", s.Name, imageOf(pod, s.Name))
			return f, imageMissing.MatchString(w.Message)
		case "CreateContainerConfigError":
			f.patience, f.cause = mediumPatience, fmt.Sprintf("container %s: %s", s.Name, w.Message)
			return f, true
		}
	}
	return crash(f, s, since)
}

// crash judges by the container's last end and its restarts: the reason CrashLoopBackOff comes late or never.
// A run that started before `since` says nothing.
func crash(f Failure, s corev1.ContainerStatus, since time.Time) (Failure, bool) {
	ended := s.State.Terminated
	if ended == nil {
		ended = s.LastTerminationState.Terminated
	}
	if ended == nil || ended.StartedAt.Time.Before(since.Truncate(time.Second)) || s.RestartCount < crashRestarts || s.Ready {
		return f, false
	}
	f.Reason, f.Message, f.ExitCode = ended.Reason, ended.Message, &ended.ExitCode
	f.cause = fmt.Sprintf("container %s exits %d (%d restarts)", s.Name, ended.ExitCode, s.RestartCount)
	if ended.Reason == "OOMKilled" {
		f.cause = fmt.Sprintf("container %s is out of memory: OOMKilled (%d restarts)", s.Name, s.RestartCount)
	}
	return f, true
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
