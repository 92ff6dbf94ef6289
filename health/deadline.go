package health

import (
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// defaultProgressDeadline is the API's default of progressDeadlineSeconds.
const defaultProgressDeadline = 600 * time.Second

// settleTime is how long Kubernetes' own deadline must be known: after an outage of its
// controllers, the first status is the one of before.
const settleTime = 3 * time.Second

// byDeadline fails a rollout that is not complete by its deadline. The deadline is the user's, or
// else Kubernetes' own if its controller reported it for this rollout. It is extended while an
// autoscaler adds a node.
func (a *assessment) byDeadline(v Verdict, since time.Time, seen witnesses, old controlGroup) Verdict {
	cause, at := a.deadline(since, seen)
	if cause == "" {
		return v
	}
	if until := a.scaleUpEnds(seen); until.After(at) {
		at = until
	}
	if left := at.Sub(a.now); left > 0 {
		if v.RecheckAfter == 0 || left < v.RecheckAfter {
			v.RecheckAfter = left
		}
		return v
	}
	waits := a.waits(seen)
	if why, until := a.sharedFailure(waits, controlGroup{pods: a.waiting(old.pods)}); why != "" {
		return waits.unattributed(Verdict{Failures: waits.failures()}, why, until, seen, a.now)
	}
	if len(v.Failures) == 0 && len(waits) > 0 {
		v.Cause, v.Failures, v.External, v.Since = waits.cause(seen), waits.failures(), waits.external(), waits.since()
	}
	return Verdict{State: Failed, Cause: causeLine(cause + ": " + v.Cause), Failures: v.Failures, External: v.External, Since: v.Since}
}

// deadline returns when the rollout fails for its duration, and the cause to report then.
// Kubernetes' own deadline is known only after it has passed.
func (a *assessment) deadline(since time.Time, seen witnesses) (cause string, at time.Time) {
	begin, without := a.couldRun(since, seen)
	if a.FailureDeadline > 0 {
		return fmt.Sprintf("not complete within the failure deadline of %s", a.FailureDeadline), begin.Add(a.FailureDeadline + without)
	}
	for _, c := range a.Deployment.Status.Conditions {
		if c.Type != appsv1.DeploymentProgressing || c.Status != corev1.ConditionFalse || c.Reason != "ProgressDeadlineExceeded" ||
			c.LastUpdateTime.Time.Before(a.AcceptedAt.Truncate(time.Second)) {
			continue
		}
		known := a.began(sighting{what: overdue}, c.LastUpdateTime.Time)
		at = latest(known.Add(settleTime), c.LastUpdateTime.Time)
		// Its own deadline knows nothing of disrupted pods: their successors have as long.
		period := min(ProgressDeadline(a.Deployment), c.LastUpdateTime.Sub(a.AcceptedAt))
		if own := begin.Add(period); begin.After(since) && own.After(at) {
			at = own
		}
		return "no progress within progressDeadlineSeconds", at.Add(without)
	}
	return "", time.Time{}
}

// ProgressDeadline returns progressDeadlineSeconds of a Deployment, or the default of the API.
func ProgressDeadline(d *appsv1.Deployment) time.Duration {
	if d.Spec.ProgressDeadlineSeconds == nil {
		return defaultProgressDeadline
	}
	return time.Duration(*d.Spec.ProgressDeadlineSeconds) * time.Second
}

// couldRun returns since when the pods could become ready that are not, and how long they were
// without a node. A pod cannot run before it exists, on a node that is not ready, or without one.
// While the old pods leave one by one, the deadline is that of all new pods together. Once they are
// gone, as for a pod that replaces a drained one, it is that of the pod.
func (a *assessment) couldRun(since time.Time, seen witnesses) (begin time.Time, without time.Duration) {
	begin = since
	var firstExists, firstCould time.Time
	var shortest time.Duration
	waits := false
	for _, w := range seen.telling() {
		exists := a.began(sighting{"created", w.pod.Name, ""}, w.pod.CreationTimestamp.Time)
		firstExists = earliest(firstExists, exists)
		if w.ready {
			if seconds := a.Deployment.Spec.MinReadySeconds; seconds > 0 {
				begin = latest(begin, readySince(w.pod).Add(time.Duration(seconds)*time.Second))
			}
			continue
		}
		gap := scheduledAt(w.pod).Sub(w.pod.CreationTimestamp.Time)
		if !waits || gap < shortest {
			shortest = gap
		}
		could := a.nodeReturned(w.pod)
		if a.Deployment.Status.Replicas <= a.Deployment.Status.UpdatedReplicas {
			could = latest(could, exists)
		}
		if !waits {
			firstCould = could
		} else {
			firstCould = earliest(firstCould, could)
		}
		waits = true
	}
	return latest(latest(begin, firstExists), firstCould), max(0, shortest)
}

// earliest returns the earlier of two times of which one may be unknown.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// latest returns the later of two times.
func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// neverSteady fails a rollout some of whose pods fail for as long as the deadline lasts, although
// the others are ready. The deployment controller knows no deadline once a rollout was complete.
func (a *assessment) neverSteady(failing signals, seen witnesses, old controlGroup) (Verdict, bool) {
	if a.Deployment.Status.Replicas > a.Deployment.Status.UpdatedReplicas || a.Deployment.Status.UpdatedReplicas < desired(a.Deployment) {
		return Verdict{}, false
	}
	name, period := "progressDeadlineSeconds", ProgressDeadline(a.Deployment)
	if a.FailureDeadline > 0 {
		name, period = "the failure deadline of "+a.FailureDeadline.String(), a.FailureDeadline
	}
	for _, w := range seen.telling() {
		unsteady := slices.Clone(w.loops)
		if len(unsteady) == 0 {
			unsteady = slices.DeleteFunc(slices.Clone(w.signals), func(s signal) bool { return s.class == weak })
		}
		if len(unsteady) == 0 {
			continue
		}
		if due := unsteady[0].since.Add(max(period, unsteady[0].grace)); a.now.Before(due) {
			a.wake(due)
			continue
		}
		all := append(slices.Clone(failing), unsteady...)
		if why, until := a.sharedFailure(all, old); why != "" {
			return all.unattributed(Verdict{Failures: all.failures()}, why, until, seen, a.now), true
		}
		return Verdict{
			State: Failed, Cause: causeLine(fmt.Sprintf("not steady within %s: %s", name, unsteady.cause(seen))),
			Failures: unsteady.failures(), External: unsteady.external(), Since: unsteady.since(),
		}, true
	}
	return Verdict{}, false
}

// waiting returns pods with what they wait for in the place of their signals.
func (a *assessment) waiting(pods witnesses) witnesses {
	all := slices.Clone(pods)
	for i := range all {
		all[i].signals = a.waits(all[i : i+1])
	}
	return all
}

// waits returns what the pods wait for that are not ready: a rollout that fails by its deadline
// must say that, though it is no failure before.
func (a *assessment) waits(seen witnesses) signals {
	var all signals
	for _, w := range seen.telling() {
		switch {
		case w.ready:
		case len(w.signals) > 0:
			all = append(all, w.signals...)
		default:
			all = append(all, a.waitOf(w.pod))
		}
	}
	slices.SortStableFunc(all, compare)
	return all
}

// waitOf returns what a pod waits for.
func (a *assessment) waitOf(pod *corev1.Pod) signal {
	out := signal{Failure: Failure{Pod: pod.Name, Reason: "NotReady"}, class: weak, kind: waitingFor, since: scheduledAt(pod)}
	template := a.templateOf(pod)
	for _, s := range statuses(pod) {
		spec := containerOf(template, s.Name)
		switch {
		case s.Ready || s.State.Terminated != nil && s.State.Terminated.ExitCode == 0:
			continue
		case s.State.Running == nil:
			return a.notStarted(pod, out)
		case isInit(pod, s.Name) && (spec == nil || spec.RestartPolicy == nil):
			out.cause = fmt.Sprintf("pod %s: init container %s has not ended", pod.Name, s.Name)
		case s.Started != nil && !*s.Started && spec != nil && spec.StartupProbe != nil:
			out.cause = fmt.Sprintf("container %s has not passed its startup probe%s", s.Name, because(a.probeWords(pod, s.Name, "startup")))
		default:
			out.cause = fmt.Sprintf("container %s is not ready%s", s.Name, because(a.probeWords(pod, s.Name, "readiness")))
		}
		out.Container, out.Ran = s.Name, true
		return out
	}
	if len(pod.Status.ContainerStatuses) == 0 {
		return a.notStarted(pod, out)
	}
	out.cause = fmt.Sprintf("pod %s is not ready", pod.Name)
	if c := condition(pod, corev1.PodReady); c != nil && c.Message != "" {
		out.cause = fmt.Sprintf("pod %s is not ready: %s", pod.Name, c.Message)
	}
	return out
}

// notStarted returns why the containers of a pod do not start, by the last warning about the pod:
// of a volume, of its network or of its sandbox.
func (a *assessment) notStarted(pod *corev1.Pod, out signal) signal {
	out.external = true
	out.cause = fmt.Sprintf("the containers of pod %s have not started", pod.Name)
	for _, e := range a.eventsOf(pod, "") {
		if e.Type == corev1.EventTypeWarning && strings.HasPrefix(e.Reason, "Failed") && e.Reason != "FailedScheduling" || e.Reason == "NetworkNotReady" {
			out.Reason, out.Message = e.Reason, e.Message
			out.cause = fmt.Sprintf("pod %s does not start: %s: %s", pod.Name, e.Reason, innermost(e.Message))
		}
	}
	return out
}

func isInit(pod *corev1.Pod, container string) bool {
	return slices.ContainsFunc(pod.Status.InitContainerStatuses, func(s corev1.ContainerStatus) bool { return s.Name == container })
}
