package health

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// byDeadline fails a rollout that is not complete by its deadline. The deadline is the user's, or
// else Kubernetes' own if its controller reported it for this rollout. It is extended while an
// autoscaler adds a node.
func (r Rollout) byDeadline(v Verdict, now time.Time) Verdict {
	cause, at := r.deadline()
	if cause == "" {
		return v
	}
	if until := r.scaleUpEnds(r.Pods); until.After(at) {
		at = until
	}
	if left := at.Sub(now); left > 0 {
		if v.RecheckAfter == 0 || left < v.RecheckAfter {
			v.RecheckAfter = left
		}
		return v
	}
	return Verdict{State: Failed, Cause: causeLine(cause + ": " + v.Cause), Failures: v.Failures, External: v.External, Since: v.Since}
}

// deadline returns when the rollout fails for its duration, and the cause to report then.
// Kubernetes' own deadline is known only after it has passed.
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
