package health

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// baked returns Healthy once the pods of a complete rollout were ready for the bake time, with no
// container restarted.
func (a *assessment) baked(seen witnesses) Verdict {
	since, pods := a.AcceptedAt, seen.telling()
	for _, w := range pods {
		well, why := a.stableSince(w.pod)
		if why != "" {
			return Verdict{State: Progressing, Cause: why}
		}
		if well.After(since) {
			since = well
		}
	}
	if left := since.Add(a.BakeTime).Sub(a.now); left > 0 {
		return Verdict{State: Progressing, Cause: "available; the bake time has not passed", RecheckAfter: left}
	}
	if len(pods) == 0 {
		return Verdict{State: Progressing, Cause: "waiting for its pods"}
	}
	return Verdict{State: Healthy, Cause: "available and ready for the bake time"}
}

// stableSince returns since when a pod has been ready with its containers running, or why it is
// not.
func (a *assessment) stableSince(pod *corev1.Pod) (since time.Time, why string) {
	since = readySince(pod)
	if since.IsZero() {
		return since, fmt.Sprintf("pod %s is not ready", pod.Name)
	}
	for _, s := range pod.Status.ContainerStatuses {
		running := s.State.Running
		switch {
		case running == nil && !a.StartedAfter.IsZero(), running != nil && running.StartedAt.Time.Before(a.StartedAfter.Truncate(time.Second)):
			return since, fmt.Sprintf("pod %s started before the files changed and may still use the old ones", pod.Name)
		case running != nil && running.StartedAt.After(since):
			since = running.StartedAt.Time
		}
	}
	return a.began(sighting{ready, pod.Name, ""}, since), ""
}
