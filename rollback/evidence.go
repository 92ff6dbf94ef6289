package rollback

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/typed/core/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/health"
)

const (
	// maxEvidence is how many failing containers are kept: all of one rollout mostly fail alike.
	maxEvidence = 5
	// maxLogLines and maxLogBytes bound the log of one container.
	maxLogLines = 20
	maxLogBytes = 4096
	// logTimeout bounds all log reading together: a stuck kubelet must not delay the rescue.
	logTimeout = 3 * time.Second
)

// gather saves what the failing containers leave behind before their pods are gone. A log that cannot be read
// is said in its place: missing evidence is no reason to leave a failed rollout alone.
func gather(ctx context.Context, pods v1.PodsGetter, namespace string, failures []health.Failure) []v1alpha1.Evidence {
	ctx, cancel := context.WithTimeout(ctx, logTimeout)
	defer cancel()
	var all []v1alpha1.Evidence
	for _, f := range failures[:min(len(failures), maxEvidence)] {
		e := v1alpha1.Evidence{
			Pod: f.Pod, Container: f.Container, Reason: f.Reason, Message: diff.MaskText(f.Message),
			ExitCode: f.ExitCode, RestartCount: f.RestartCount,
		}
		if f.ExitCode != nil {
			e.Log = lastLines(ctx, pods.Pods(namespace), f)
		}
		all = append(all, e)
	}
	return all
}

// lastLines reads the log of the container's current run, which a crash loop shows until the next start, and
// where that is empty the one before.
func lastLines(ctx context.Context, pods v1.PodInterface, f health.Failure) []string {
	var lines []string
	for _, previous := range []bool{false, true} {
		raw, err := pods.GetLogs(f.Pod, &corev1.PodLogOptions{
			Container: f.Container, Previous: previous, TailLines: new(int64(maxLogLines)), LimitBytes: new(int64(maxLogBytes)),
		}).DoRaw(ctx)
		if err != nil {
			lines = []string{fmt.Sprintf("(the log could not be read: %v)", err)}
			continue
		}
		if text := strings.TrimSpace(strings.ToValidUTF8(string(raw), "�")); text != "" {
			return strings.Split(diff.MaskText(text), "\n")
		}
	}
	return lines
}

// causeOf completes a verdict's cause by the last words of the first failing container.
func causeOf(verdict health.Verdict, evidence []v1alpha1.Evidence) string {
	if len(evidence) == 0 || len(evidence[0].Log) == 0 {
		return diff.MaskText(verdict.Cause)
	}
	last := strings.TrimSpace(evidence[0].Log[len(evidence[0].Log)-1])
	if last == "" || strings.HasPrefix(last, "(the log could not be read") {
		return diff.MaskText(verdict.Cause)
	}
	return diff.MaskText(fmt.Sprintf("%s: %q", verdict.Cause, last))
}
