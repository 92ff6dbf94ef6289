package guard

import (
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"reprise.dev/reprise/health"
)

// withOwnDeadline returns a Deployment whose condition ProgressDeadlineExceeded counts for the
// revision that was accepted at a time, at the earliest when that had its whole deadline. The
// deployment controller leaves the condition of the revision before, until it sees progress.
func withOwnDeadline(d *appsv1.Deployment, accepted time.Time) *appsv1.Deployment {
	due := accepted.Add(health.ProgressDeadline(d))
	i := slices.IndexFunc(d.Status.Conditions, func(c appsv1.DeploymentCondition) bool {
		return c.Type == appsv1.DeploymentProgressing && c.Status == corev1.ConditionFalse && c.LastUpdateTime.Time.Before(due)
	})
	if i < 0 {
		return d
	}
	own := *d
	own.Status.Conditions = slices.Clone(d.Status.Conditions)
	own.Status.Conditions[i].LastUpdateTime.Time = due
	return &own
}

// unpaused returns a paused rollout as if it went on, without its deadlines, so that the failures
// of pods that run count. Their rollback is held then.
func unpaused(rollout health.Rollout) health.Rollout {
	d := *rollout.Deployment
	d.Spec.Paused = false
	d.Status.Conditions = nil
	rollout.Deployment, rollout.FailureDeadline = &d, 0
	return rollout
}
