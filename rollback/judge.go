package rollback

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/health"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/workload"
)

// judge brings the live revision to a verdict where it has none yet, and says when to judge again.
func (r *Reconciler) judge(ctx context.Context, d *appsv1.Deployment, live *v1alpha1.Revision, s workload.Settings) (time.Duration, error) {
	adopted := history.Adopted(live) && live.Status.Phase == v1alpha1.PhaseUnknown
	if live.Status.Phase != v1alpha1.PhaseProgressing && !adopted {
		return 0, nil
	}
	rollout, err := r.rollout(ctx, d, live, s)
	if err != nil {
		return 0, err
	}
	verdict := health.Judge(rollout, r.Clock.Now())
	switch {
	case verdict.State == health.Healthy:
		return 0, history.PatchStatus(ctx, r.Client, live, func(s *v1alpha1.RevisionStatus) {
			s.Phase, s.PhaseSince = v1alpha1.PhaseHealthy, &metav1.Time{Time: r.Clock.Now()}
		})
	case verdict.State == health.Failed && !adopted:
		return 0, r.fail(ctx, live, verdict)
	default:
		return verdict.Again, nil
	}
}

// fail saves the evidence with the phase, in one write.
func (r *Reconciler) fail(ctx context.Context, live *v1alpha1.Revision, verdict health.Verdict) error {
	evidence := gather(ctx, r.Pods, live.Namespace, verdict.Failures)
	return history.PatchStatus(ctx, r.Client, live, func(s *v1alpha1.RevisionStatus) {
		s.Phase, s.PhaseSince = v1alpha1.PhaseFailed, &metav1.Time{Time: r.Clock.Now()}
		s.Evidence = evidence
		s.Error = causeOf(verdict, evidence)
	})
}

// rollout reads what is judged.
func (r *Reconciler) rollout(ctx context.Context, d *appsv1.Deployment, live *v1alpha1.Revision, s workload.Settings) (health.Rollout, error) {
	rollout := health.Rollout{
		Deployment: d, AcceptedAt: live.Spec.AcceptedAt.Time, BakeTime: s.BakeTime, FailureDeadline: s.FailureDeadline,
	}
	if live.Spec.FilesOnly {
		rollout.StartedAfter = live.Spec.AcceptedAt.Time
	}
	selector, err := metav1.LabelSelectorAsSelector(d.Spec.Selector)
	if err != nil {
		return rollout, fmt.Errorf("reading the selector of %s: %w", d.Name, err)
	}
	matching := []client.ListOption{client.InNamespace(d.Namespace), client.MatchingLabelsSelector{Selector: selector}}
	var sets appsv1.ReplicaSetList
	if err := r.Client.List(ctx, &sets, matching...); err != nil {
		return rollout, fmt.Errorf("listing ReplicaSets of %s: %w", d.Name, err)
	}
	var pods corev1.PodList
	if err := r.Client.List(ctx, &pods, matching...); err != nil {
		return rollout, fmt.Errorf("listing Pods of %s: %w", d.Name, err)
	}
	for i := range sets.Items {
		rollout.ReplicaSets = append(rollout.ReplicaSets, &sets.Items[i])
	}
	for i := range pods.Items {
		rollout.Pods = append(rollout.Pods, &pods.Items[i])
	}
	return rollout, nil
}
