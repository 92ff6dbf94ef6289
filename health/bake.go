package health

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// baked returns Healthy once the pods of a complete rollout were ready for the bake time, with no
// container restarted.
func (r Rollout) baked(pods []*corev1.Pod, now time.Time) Verdict {
	since := r.AcceptedAt
	for _, pod := range pods {
		well, why := r.stableSince(pod)
		if why != "" {
			return Verdict{State: Progressing, Cause: why}
		}
		if well.After(since) {
			since = well
		}
	}
	if left := since.Add(r.BakeTime).Sub(now); left > 0 {
		return Verdict{State: Progressing, Cause: "available; the bake time has not passed", RecheckAfter: left}
	}
	if len(pods) == 0 {
		return Verdict{State: Progressing, Cause: "waiting for its pods"}
	}
	return Verdict{State: Healthy, Cause: "available and ready for the bake time"}
}

// stableSince returns since when a pod has been ready with its containers running, or why it is
// not.
func (r Rollout) stableSince(pod *corev1.Pod) (since time.Time, why string) {
	since = readySince(pod)
	if since.IsZero() {
		return since, fmt.Sprintf("pod %s is not ready", pod.Name)
	}
	for _, s := range pod.Status.ContainerStatuses {
		running := s.State.Running
		switch {
		case running == nil && !r.StartedAfter.IsZero(), running != nil && running.StartedAt.Time.Before(r.StartedAfter.Truncate(time.Second)):
			return since, fmt.Sprintf("pod %s started before the files changed and may still use the old ones", pod.Name)
		case running != nil && running.StartedAt.After(since):
			since = running.StartedAt.Time
		}
	}
	return since, ""
}
