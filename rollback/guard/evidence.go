package guard

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	typedv1 "k8s.io/client-go/kubernetes/typed/core/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/health"
	"reprise.dev/reprise/internal/mask"
)

// Core reads what a cache does not hold: the logs of failing containers, and what the cluster said
// of their pods.
type Core interface {
	typedv1.PodsGetter
	typedv1.EventsGetter
}

// gather saves what the failing containers leave behind before their pods are gone, with what the
// cluster said of the pods. All logs are read at once. One that cannot be read is said in its
// place: missing evidence is no reason to leave a failed rollout alone.
func gather(ctx context.Context, core Core, namespace string, failures []health.Failure, events []*corev1.Event) []v1alpha1.Evidence {
	all := make([]v1alpha1.Evidence, min(len(failures), maxEvidence))
	var reading sync.WaitGroup
	for i := range all {
		f, e := failures[i], &all[i]
		*e = v1alpha1.Evidence{
			PodName: f.Pod, ContainerName: f.Container, Reason: f.Reason, Message: mask.Line(f.Message),
			ExitCode: f.ExitCode, RestartCount: f.RestartCount, Events: lastEvents(events, f.Pod),
		}
		if f.ExitCode != nil {
			reading.Go(func() { e.Log = lastLines(ctx, core.Pods(namespace), f, false) })
		}
		if f.RestartCount > 0 {
			reading.Go(func() { e.PreviousLog = lastLines(ctx, core.Pods(namespace), f, true) })
		}
	}
	reading.Wait()
	return all
}

// lastLines reads the log of a container's current run, which is its last one until the next
// begins, or of the run before.
func lastLines(ctx context.Context, pods typedv1.PodInterface, f health.Failure, previous bool) []string {
	raw, err := pods.GetLogs(f.Pod, &corev1.PodLogOptions{
		Container: f.Container, Previous: previous, TailLines: new(int64(maxLogLines)), LimitBytes: new(int64(maxLogBytes)),
	}).DoRaw(ctx)
	if err != nil {
		return []string{fmt.Sprintf("%s: %v)", unread, err)}
	}
	lines := strings.Split(strings.TrimSpace(strings.ToValidUTF8(string(raw), "�")), "\n")
	own := slices.DeleteFunc(slices.Clone(lines), isKubeletNotice)
	switch text := strings.TrimSpace(strings.Join(own, "\n")); {
	case text != "":
		return strings.Split(mask.Text(text), "\n")
	case len(own) < len(lines):
		return []string{fmt.Sprintf("%s: %s)", unread, lines[len(lines)-1])}
	default:
		return nil
	}
}

// isKubeletNotice reports whether a line of a log is the kubelet's own notice that it has none. It
// answers with status 200 then (pkg/kubelet/kubelet_pods.go, GetKubeletContainerLogs, and
// pkg/kubelet/kuberuntime/logs, ReadLogs), so that only the text tells.
func isKubeletNotice(line string) bool {
	return strings.HasPrefix(line, "unable to retrieve container logs for ") ||
		strings.HasPrefix(line, "failed to try resolving symlinks in path ")
}

// unread begins what stands in the place of a log that could not be read.
const unread = "(the log could not be read"

// lastEvents returns what the cluster said last of a pod.
func lastEvents(events []*corev1.Event, pod string) []string {
	own := slices.DeleteFunc(slices.Clone(events), func(e *corev1.Event) bool { return e.InvolvedObject.Name != pod })
	slices.SortStableFunc(own, func(a, b *corev1.Event) int {
		return cmp.Or(a.LastTimestamp.Compare(b.LastTimestamp.Time), strings.Compare(a.Name, b.Name))
	})
	var lines []string
	for _, e := range own[max(0, len(own)-maxPodEvents):] {
		lines = append(lines, mask.Line(fmt.Sprintf("%s: %s", e.Reason, e.Message)))
	}
	return lines
}

// causeOf completes a verdict's cause by the last words of the first failing container: those of
// the run before where there is one, since the current one may only have begun. Where no log can be
// read, they are those that the container left in its termination message.
func causeOf(verdict health.Verdict, evidence []v1alpha1.Evidence) string {
	cause := verdict.Cause
	if len(evidence) > 0 {
		words := cmp.Or(lastWords(evidence[0].PreviousLog), lastWords(evidence[0].Log), terminationWords(evidence[0]))
		if words != "" && !strings.Contains(cause, words) {
			cause = fmt.Sprintf("%s: %q", cause, words)
		}
	}
	return mask.Line(cause)
}

// terminationWords returns what a container that ended left as its message; empty where it left
// nothing, or never started.
func terminationWords(e v1alpha1.Evidence) string {
	if e.ExitCode == nil || e.Reason == "StartError" || e.Reason == "ContainerCannotRun" {
		return ""
	}
	return strings.TrimSpace(e.Message)
}

// lastWords returns the last line of a log.
func lastWords(log []string) string {
	if len(log) == 0 || strings.HasPrefix(log[0], unread) {
		return ""
	}
	return strings.TrimSpace(log[len(log)-1])
}
