package guard

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/event"
	"reprise.dev/reprise/health"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/rollback"
	"reprise.dev/reprise/workload"
)

// judge brings the live revision to a verdict, and says when to judge again. One that has failed and was left where it
// is may still become well: its cause lay outside, or was mended there.
func (r *Reconciler) judge(ctx context.Context, d *appsv1.Deployment, h history.History, s workload.Settings) (time.Duration, error) {
	live := h.Newest()
	adopted := live.IsAdopted() && live.Status.Phase == v1alpha1.PhaseUnknown
	failed := live.Status.Phase == v1alpha1.PhaseFailed
	if live.Status.Phase != v1alpha1.PhaseProgressing && !adopted && !failed {
		return 0, nil
	}
	known, err := r.known(ctx, h, s)
	if err != nil {
		return 0, err
	}
	if known != nil {
		return 0, r.failAgain(ctx, d, h, known)
	}
	rollout, err := r.rollout(ctx, d, h, s)
	if err != nil {
		return 0, err
	}
	verdict := health.Judge(rollout, r.Clock.Now())
	switch {
	case verdict.State == health.Healthy:
		return 0, r.recover(ctx, h)
	case verdict.State == health.Failed && !adopted && !failed:
		return r.fail(ctx, d, h, rollout, verdict)
	case verdict.State == health.Unknown && len(verdict.Failures) > 0 && !adopted && live.RollbackHold() == nil:
		return verdict.Again, r.hold(ctx, live, v1alpha1.HoldNotCausedByChange, verdict.Cause)
	default:
		return verdict.Again, nil
	}
}

// recover writes the phase of a revision that is well, whatever it was before.
func (r *Reconciler) recover(ctx context.Context, h history.History) error {
	leftover, err := r.orphanedFields(ctx, h)
	if err != nil {
		return err
	}
	if err := store.PatchStatus(ctx, r.Client, h.Newest(), func(s *v1alpha1.WorkloadRevisionStatus) {
		if leftover != "" {
			history.MarkFieldsLeftBehind(s, leftover, r.Clock.Now())
		}
		history.MarkHealthy(s, r.Clock.Now())
	}); err != nil {
		return err
	}
	r.observeHealth(ctx, h)
	return nil
}

// fail judges once more, by what the cluster said of the failing pods, and saves with the phase, in one write, what they
// leave behind and what was changed.
func (r *Reconciler) fail(ctx context.Context, d *appsv1.Deployment, h history.History, rollout health.Rollout, verdict health.Verdict) (time.Duration, error) {
	reading, cancel := context.WithTimeout(ctx, evidenceTime)
	defer cancel()
	rollout.Events = podEvents(reading, r.Core, d.Namespace, verdict.Failures)
	if verdict = health.Judge(rollout, r.Clock.Now()); verdict.State != health.Failed {
		return verdict.Again, nil
	}
	evidence := gather(reading, r.Core, d.Namespace, verdict.Failures, rollout.Events)
	configMaps, err := store.ConfigMaps(ctx, r.Live, d.Namespace, workload.ConfigMapsOf(&d.Spec.Template))
	if err != nil {
		return 0, err
	}
	failure := v1alpha1.Failure{
		Reason: v1alpha1.FailureWorkloadFailed, Message: causeOf(verdict, evidence), Evidence: evidence, ConfigMaps: configMaps,
	}
	if verdict.Outside {
		failure.Reason = v1alpha1.FailureExternalCause
	}
	return 0, r.writeFailure(ctx, h, verdict.Since, failure)
}

// orphanedFields says that a revision still has what the failed one before it had removed, nothing where it is not so.
func (r *Reconciler) orphanedFields(ctx context.Context, h history.History) (string, error) {
	failed, target := rollback.AfterRollback(h)
	if failed == nil {
		return "", nil
	}
	newest, err := store.Load(ctx, r.Live, h.Newest())
	if err != nil {
		return "", err
	}
	contents, err := history.DecodeSnapshot(newest)
	if err != nil || !rollback.KeepsStateElsewhere(newest.Spec.FieldManager, contents.ManagedFields) {
		return "", nil // What cannot be read cannot be compared: that it is well stands.
	}
	left, err := r.readOrphanedFields(ctx, failed, target, newest)
	if err != nil || len(left) == 0 {
		return "", err
	}
	return event.Message(fmt.Sprintf("#%d had removed what #%d has, and %s did not learn of the rollback: where #%d is not meant to have it, remove it by hand, or deploy once with it and once without",
		failed.Spec.Number, newest.Spec.Number, newest.Spec.FieldManager, newest.Spec.Number), left, ""), nil
}

// known is the earlier failure of what the newest revision rolls out, nil where there is none that still stands.
func (r *Reconciler) known(ctx context.Context, h history.History, s workload.Settings) (*v1alpha1.WorkloadRevision, error) {
	failure := rollback.RepeatFailure(h, s, r.Clock.Now())
	if failure == nil {
		return nil, nil
	}
	healed, err := store.ConfigMapsChanged(ctx, r.Live, failure)
	if err != nil || healed {
		return nil, err
	}
	return failure, nil
}

// failAgain fails a revision by what failed before, which slipped in past admission.
func (r *Reconciler) failAgain(ctx context.Context, d *appsv1.Deployment, h history.History, known *v1alpha1.WorkloadRevision) error {
	configMaps, err := store.ConfigMaps(ctx, r.Live, d.Namespace, workload.ConfigMapsOf(&d.Spec.Template))
	if err != nil {
		return err
	}
	failure := v1alpha1.Failure{
		Reason: v1alpha1.FailureRepeated, ConfigMaps: configMaps,
		Message: fmt.Sprintf("it failed before, as #%d, and came past admission: %s", known.Spec.Number, known.FailureMessage()),
	}
	if known.HasExternalCause() {
		failure.Reason = v1alpha1.FailureExternalCause
	}
	return r.writeFailure(ctx, h, time.Time{}, failure)
}

// writeFailure writes the phase of the newest revision, with its difference to the last healthy one, into a history as
// the API server holds it. signal is when the failure began to show, zero where that is not known.
func (r *Reconciler) writeFailure(ctx context.Context, h history.History, signal time.Time, failure v1alpha1.Failure) error {
	if err := r.refresh(ctx, h); err != nil {
		return err
	}
	failed, healthy := h.Newest(), h.LastHealthy()
	changes, err := r.changesSince(ctx, healthy, failed)
	if err != nil {
		return err
	}
	if healthy != nil {
		failure.Changes, failure.ComparedWith = changes.Lines(maxDiffLines, maxDiffBytes), healthy.Spec.Number
	}
	if err := store.PatchStatus(ctx, r.Client, failed, func(s *v1alpha1.WorkloadRevisionStatus) {
		history.MarkFailed(s, failure, r.Clock.Now())
	}); err != nil {
		return err
	}
	r.observeFailure(ctx, failed, signal)
	return nil
}
