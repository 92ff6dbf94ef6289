package health

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// byDeadline fails a rollout that is not complete in time, whatever the reason: by the user's
// deadline, else by Kubernetes' own, where it was found out for this rollout. A node that is coming
// is waited for.
func (r Rollout) byDeadline(v Verdict, now time.Time) Verdict {
	cause, at := r.deadline()
	if cause == "" {
		return v
	}
	if until := r.nodeComes(r.Pods); until.After(at) {
		at = until
	}
	if left := at.Sub(now); left > 0 {
		if v.Again == 0 || left < v.Again {
			v.Again = left
		}
		return v
	}
	return Verdict{State: Failed, Cause: brief(cause + ": " + v.Cause), Failures: v.Failures, Outside: v.Outside, Since: v.Since}
}

// deadline says which deadline the rollout has, in words for when it is over, and when that is.
// Kubernetes' own is known once it is over.
func (r Rollout) deadline() (cause string, at time.Time) {
	if r.FailureDeadline > 0 {
		return fmt.Sprintf("not complete within the failure deadline of %s", r.FailureDeadline), r.AcceptedAt.Add(r.FailureDeadline)
	}
	for _, c := range r.Deployment.Status.Conditions {
		if c.Type == appsv1.DeploymentProgressing && c.Status == corev1.ConditionFalse && c.Reason == "ProgressDeadlineExceeded" &&
			!c.LastUpdateTime.Time.Before(r.AcceptedAt.Truncate(time.Second)) {
			return "no progress within progressDeadlineSeconds", c.LastUpdateTime.Time
		}
	}
	return "", time.Time{}
}
