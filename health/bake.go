package health

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// baked says whether the pods of a complete rollout have been well for the bake time: ready, and
// none of their containers started anew.
func (r Rollout) baked(pods []*corev1.Pod, now time.Time) Verdict {
	since := r.AcceptedAt
	for _, pod := range pods {
		well, why := r.wellSince(pod)
		if why != "" {
			return Verdict{State: Progressing, Cause: why}
		}
		if well.After(since) {
			since = well
		}
	}
	if left := since.Add(r.BakeTime).Sub(now); left > 0 {
		return Verdict{State: Progressing, Cause: "available, and watched for the bake time", Again: left}
	}
	if len(pods) == 0 {
		return Verdict{State: Progressing, Cause: "its pods are not there yet"}
	}
	return Verdict{State: Healthy, Cause: "available and well for the bake time"}
}

// wellSince is since when a pod has been well, or says why it is not.
func (r Rollout) wellSince(pod *corev1.Pod) (since time.Time, why string) {
	since = readySince(pod)
	if since.IsZero() {
		return since, fmt.Sprintf("pod %s is not ready", pod.Name)
	}
	for _, s := range pod.Status.ContainerStatuses {
		running := s.State.Running
		switch {
		case running == nil && !r.StartedAfter.IsZero(), running != nil && running.StartedAt.Time.Before(r.StartedAfter.Truncate(time.Second)):
			return since, fmt.Sprintf("pod %s started before the files changed and may still know the old ones", pod.Name)
		case running != nil && running.StartedAt.After(since):
			since = running.StartedAt.Time
		}
	}
	return since, ""
}
