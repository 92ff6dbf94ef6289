package cluster

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// logLine is one line of a log, and when it was printed.
type logLine struct {
	at   time.Time
	text string
}

// runLog is what one run of a container prints.
type runLog struct {
	pod           types.UID
	container, id string
	// began and ended are when the run did; ended is zero while it goes on.
	began, ended time.Time
	// words are printed at once, and again every so often, 0 for never.
	words []string
	again string
	every time.Duration
}

// until are the lines that are printed by now.
func (l runLog) until(now time.Time) []logLine {
	var lines []logLine
	for i, word := range l.words {
		lines = append(lines, logLine{l.began.Add(time.Duration(i+1) * time.Millisecond), word})
	}
	if !l.ended.IsZero() {
		now = l.ended
	}
	for n, at := 1, l.began.Add(l.every); l.every > 0 && !at.After(now); n, at = n+1, at.Add(l.every) {
		lines = append(lines, logLine{at, strings.ReplaceAll(l.again, count, strconv.Itoa(n))})
	}
	return lines
}

// containerLog returns the log of the container's current run, or of the one before it.
func containerLog(pod *corev1.Pod, name string, previous bool) (runLog, error) {
	status, found := containerStatus(pod, name)
	if !found {
		return runLog{}, fmt.Errorf("container %q in pod %q is not available", name, pod.Name)
	}
	last, state := status.LastTerminationState.Terminated, status.State
	switch {
	case previous && last == nil:
		return runLog{}, fmt.Errorf("previous terminated container %q in pod %q not found", name, pod.Name)
	case previous:
		return scripted(pod, name, last.ContainerID, last.StartedAt, last.FinishedAt), nil
	case state.Running != nil:
		return scripted(pod, name, status.ContainerID, state.Running.StartedAt, metav1.Time{}), nil
	case state.Terminated != nil:
		return scripted(pod, name, status.ContainerID, state.Terminated.StartedAt, state.Terminated.FinishedAt), nil
	case last != nil:
		return scripted(pod, name, last.ContainerID, last.StartedAt, last.FinishedAt), nil
	}
	reason := "no logs yet"
	if state.Waiting != nil {
		reason = state.Waiting.Reason
	}
	switch reason {
	case "ErrImagePull":
		reason = "image can't be pulled"
	case "ImagePullBackOff":
		reason = "trying and failing to pull image"
	}
	return runLog{}, fmt.Errorf("container %q in pod %q is waiting to start: %s", name, pod.Name, reason)
}

func containerStatus(pod *corev1.Pod, name string) (corev1.ContainerStatus, bool) {
	for _, status := range slices.Concat(pod.Status.ContainerStatuses, pod.Status.InitContainerStatuses) {
		if status.Name == name {
			return status, true
		}
	}
	return corev1.ContainerStatus{}, false
}

// finished is when the run of a container ended, nil where the state is another's.
func finished(state corev1.ContainerState, id string) *metav1.Time {
	if state.Terminated == nil || state.Terminated.ContainerID != id {
		return nil
	}
	return &state.Terminated.FinishedAt
}

// count stands in a script for how often a line was printed.
const count = "$((++n))"

var (
	// loop is how a script prints a line again and again.
	loop = regexp.MustCompile(`\bwhile [^;]*; do echo ([^;&|>]*); sleep ([0-9.]+); done`)
	// echo is how it prints a line, or writes it to a file.
	echo = regexp.MustCompile(`\becho ([^;&|>]*)(>&2|> */)?`)
)

// scripted is the log of a run: the words that the container's script echoes, a line each, except
// what it redirects to a file, after one line that every container prints.
func scripted(pod *corev1.Pod, name, id string, began, ended metav1.Time) runLog {
	log := runLog{pod: pod.UID, container: name, id: id, began: began.Time, ended: ended.Time, words: []string{"starting " + name}}
	for _, container := range slices.Concat(pod.Spec.Containers, pod.Spec.InitContainers) {
		if container.Name != name {
			continue
		}
		script := strings.Join(slices.Concat(container.Command, container.Args), " ")
		if match := loop.FindStringSubmatch(script); match != nil {
			if seconds, err := strconv.ParseFloat(match[2], 64); err == nil && seconds > 0 {
				log.again, log.every = words(match[1]), time.Duration(seconds*float64(time.Second))
			}
			script = strings.Replace(script, match[0], "", 1)
		}
		for _, match := range echo.FindAllStringSubmatch(script, -1) {
			if !strings.HasSuffix(match[2], "/") {
				log.words = append(log.words, words(match[1]))
			}
		}
	}
	return log
}

func words(text string) string { return strings.Trim(text, ` "'`) }
