package rollback

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/effective"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/workload"
)

// decide acts on the newest revision once it has failed, going by what the API server holds.
func (r *Reconciler) decide(ctx context.Context, d *appsv1.Deployment, s workload.Settings) (time.Duration, error) {
	h, err := history.List(ctx, r.Live, d.Namespace, d.Name)
	if err != nil {
		return 0, err
	}
	decision := Decide(h, d, s, r.Clock.Now())
	failed := h.Newest()
	switch decision.Action {
	case Wait:
		return decision.After, nil
	case Hold:
		return 0, r.hold(ctx, failed, decision.Reason)
	case To:
		if err := history.PatchStatus(ctx, r.Client, failed, func(s *v1alpha1.RevisionStatus) {
			s.Hold = ""
			s.Rollback = &v1alpha1.Rollback{
				To: decision.Target.Spec.Number, ToIntentHash: decision.Target.Spec.IntentHash,
				ToFilesDigest: decision.Target.Spec.FilesDigest, StartedAt: metav1.NewTime(r.Clock.Now()),
			}
		}); err != nil {
			return 0, fmt.Errorf("writing a rollback ahead: %w", err)
		}
		return 0, r.finish(ctx, d, h, failed)
	default:
		return 0, nil
	}
}

// finish carries out a rollback that was written ahead, from wherever it was left.
func (r *Reconciler) finish(ctx context.Context, d *appsv1.Deployment, h history.History, failed *v1alpha1.Revision) error {
	target := h.Number(failed.Status.Rollback.To)
	if target == nil {
		return r.hold(ctx, failed, fmt.Sprintf("revision #%d, to go back to, is gone; deploy a fix", failed.Status.Rollback.To))
	}
	target, err := history.Load(ctx, r.Live, target)
	if err != nil {
		return err
	}
	a := applier{client: r.Client, live: r.Live}
	if workload.IntentOf(d).Hash() == failed.Spec.IntentHash {
		reason, err := r.cannotRun(ctx, a, failed, target)
		if err != nil {
			return err
		}
		if reason != "" {
			return r.hold(ctx, failed, reason)
		}
	}
	err = a.restore(ctx, failed, target)
	if errors.Is(err, errOvertaken) {
		return r.hold(ctx, failed, "a newer deploy arrived and wins")
	}
	if err != nil {
		return err
	}
	now := metav1.NewTime(r.Clock.Now())
	return history.PatchStatus(ctx, r.Client, failed, func(s *v1alpha1.RevisionStatus) {
		s.Phase, s.PhaseSince = v1alpha1.PhaseRolledBack, &now
		s.Rollback.DoneAt = &now
	})
}

// cannotRun says why the target would not run today, or nothing. The API server's dry run passes what it
// refuses only at the Pod, so the effective pod is asked too.
func (r *Reconciler) cannotRun(ctx context.Context, a applier, failed, target *v1alpha1.Revision) (string, error) {
	intent, err := history.Intent(target)
	if err != nil {
		return "", err
	}
	lost, err := a.lostFile(ctx, target)
	if err != nil {
		return "", err
	}
	if lost != "" {
		return fmt.Sprintf("file %s of #%d was too large to be kept and has changed since; put it back, then deploy", lost, target.Spec.Number), nil
	}
	result := effective.Of(&intent.Spec.Template, r.Namespaces.For(ctx, failed.Namespace))
	for _, objection := range result.Objections {
		// A full quota may be full of the failing pods.
		if replaceable(objection, target) {
			continue
		}
		if objection.Rule != effective.RuleQuotaExceeded && objection.Rule != effective.RuleQuotaUncounted {
			return fmt.Sprintf("#%d cannot run here any more: %s; %s", target.Spec.Number, objection.Message, objection.Fix), nil
		}
	}
	if len(result.CannotTell) > 0 {
		return "", fmt.Errorf("cannot tell yet whether revision %s can run: %s", target.Name, result.CannotTell[0].Reason)
	}
	err = a.check(ctx, failed, target)
	if apierrors.IsInvalid(err) || apierrors.IsForbidden(err) || apierrors.IsBadRequest(err) {
		return fmt.Sprintf("the API server refuses #%d: %v", target.Spec.Number, err), nil
	}
	if errors.Is(err, errOvertaken) {
		return "", nil // restore finds the same and gives up in good order.
	}
	return "", err
}

// replaceable says whether what an objection misses is a file that the rollback puts back.
func replaceable(objection effective.Objection, target *v1alpha1.Revision) bool {
	if objection.Rule != effective.RuleConfigMap {
		return false
	}
	return slices.ContainsFunc(kept(target.Spec.Files), func(f v1alpha1.RevisionFile) bool {
		return f.ConfigMap == objection.Cause.Name
	})
}

// hold notes why a rollback that is due is not done; the next step tells it.
func (r *Reconciler) hold(ctx context.Context, failed *v1alpha1.Revision, reason string) error {
	if failed.Status.Hold == reason {
		return nil
	}
	return history.PatchStatus(ctx, r.Client, failed, func(s *v1alpha1.RevisionStatus) { s.Hold = reason })
}
