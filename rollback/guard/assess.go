package guard

import (
	"context"
	"fmt"
	"math"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/event"
	"reprise.dev/reprise/health"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/internal/mask"
	"reprise.dev/reprise/rollback"
	"reprise.dev/reprise/workload"
)

// assess brings the newest revision to a verdict, and returns when to assess again. One that has
// failed and still runs may become healthy: its cause was external, or was fixed there.
func (r *Reconciler) assess(ctx context.Context, v view) (view, time.Duration, error) {
	live := v.history.Newest()
	adopted := live.IsAdopted() && live.Status.Phase == v1alpha1.PhaseUnknown
	failed := live.Status.Phase == v1alpha1.PhaseFailed
	if live.Status.Phase != v1alpha1.PhaseProgressing && !adopted && !failed {
		r.memories.forget(client.ObjectKeyFromObject(v.d))
		return v, 0, nil
	}
	earlier, err := r.repeatedFailure(ctx, v)
	if err != nil {
		return v, 0, err
	}
	if earlier != nil {
		v, err = r.failAgain(ctx, v, earlier)
		return v, 0, err
	}
	rollout, err := r.rollout(ctx, v.d, v.history, v.settings)
	if err != nil {
		return v, 0, err
	}
	if v.d.Spec.Paused {
		rollout = unpaused(rollout)
	}
	verdict := health.Assess(rollout, r.Clock.Now())
	memory := verdict.Memory
	if v.d.Spec.Paused {
		memory = memory.Paused()
	}
	r.memories.keep(client.ObjectKeyFromObject(v.d), live.UID, memory)
	if v.d.Spec.Paused && verdict.State != health.Failed {
		return v, verdict.RecheckAfter, nil // Nothing is rolled out, so nothing is complete.
	}
	switch {
	case verdict.State == health.Healthy:
		v, err = r.recover(ctx, v, rollout)
		return v, 0, err
	case verdict.State == health.Failed && !adopted && !failed:
		return r.fail(ctx, v, rollout, verdict)
	case verdict.State == health.Unknown && len(verdict.Failures) > 0 && !adopted && live.RollbackHold() == nil:
		held, err := r.hold(ctx, live, v1alpha1.HoldNotCausedByChange, verdict.Cause)
		return v.with(held), verdict.RecheckAfter, err
	default:
		return v, verdict.RecheckAfter, nil
	}
}

// recover writes the phase of a revision that is healthy, whatever it was before, how long its pods
// took, and what they run.
func (r *Reconciler) recover(ctx context.Context, v view, rollout health.Rollout) (view, error) {
	readyAfter := health.ReadyAfter(rollout)
	leftBehind, err := r.fieldsLeftBehind(ctx, v.history)
	if err != nil {
		return v, err
	}
	healthy, err := r.patch(ctx, v.history.Newest(), func(s *v1alpha1.WorkloadRevisionStatus) {
		if leftBehind != "" {
			history.MarkFieldsLeftBehind(s, leftBehind, r.Clock.Now())
		}
		history.NoteImages(s, imagesOf(rollout))
		if readyAfter >= time.Second {
			s.ReadyAfterSeconds = int32(min(readyAfter.Round(time.Second).Seconds(), math.MaxInt32))
		}
		history.MarkHealthy(s, r.Clock.Now())
	})
	if err != nil {
		return v, err
	}
	v = v.with(healthy)
	r.observeHealth(ctx, v.history)
	return v, nil
}

// fail assesses once more, with the Events about the failing pods, and saves the phase, the
// evidence and what was changed in one write.
func (r *Reconciler) fail(ctx context.Context, v view, rollout health.Rollout, verdict health.Verdict) (view, time.Duration, error) {
	reading, cancel := context.WithTimeout(ctx, evidenceTime)
	defer cancel()
	rollout.Events = podEvents(reading, r.Core, v.d.Namespace, verdict.Failures)
	if verdict = health.Assess(rollout, r.Clock.Now()); verdict.State != health.Failed {
		return v, verdict.RecheckAfter, nil
	}
	evidence := gather(reading, r.Core, v.d.Namespace, verdict.Failures, rollout.Events)
	configMaps, err := store.ConfigMaps(ctx, r.Live, v.d.Namespace, workload.ConfigMapsOf(&v.d.Spec.Template))
	if err != nil {
		return v, 0, err
	}
	failure := v1alpha1.Failure{
		Reason: v1alpha1.FailureWorkloadFailed, Message: causeOf(verdict, evidence), Evidence: evidence, ConfigMaps: configMaps,
	}
	if verdict.External {
		failure.Reason = v1alpha1.FailureExternalCause
	}
	v, err = r.writeFailure(ctx, v, verdict.Since, failure, imagesOf(rollout))
	return v, 0, err
}

// imagesOf returns what the pods of a rollout run.
func imagesOf(rollout health.Rollout) []v1alpha1.ContainerImage {
	return history.ImagesOf(&rollout.Deployment.Spec.Template, health.PodsOf(rollout))
}

// fieldsLeftBehind returns a message about the fields that a revision has although the failed one
// before it had removed them; empty if there are none.
func (r *Reconciler) fieldsLeftBehind(ctx context.Context, h history.History) (string, error) {
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
	left, err := r.readFieldsLeftBehind(ctx, failed, target, newest)
	if err != nil {
		return "", err
	}
	if len(left) == 0 {
		return "", nil
	}
	return event.Message(fmt.Sprintf("#%d has fields that #%d had removed, since %s did not see the rollback",
		newest.Spec.Number, failed.Spec.Number, newest.Spec.FieldManager), left,
		"if you do not want them, remove them manually, or deploy once with and once without them"), nil
}

// repeatedFailure returns the earlier failure of what the newest revision rolls out, nil if there
// is none that still counts.
func (r *Reconciler) repeatedFailure(ctx context.Context, v view) (*v1alpha1.WorkloadRevision, error) {
	failure := rollback.RepeatFailure(v.history, v.settings, r.Clock.Now())
	if failure == nil {
		return nil, nil
	}
	changed, err := store.ConfigMapsChanged(ctx, r.Live, v.history, failure)
	if err != nil {
		return nil, err
	}
	if changed {
		return nil, nil
	}
	return failure, nil
}

// failAgain marks a revision as failed because the same template failed before and bypassed
// admission.
func (r *Reconciler) failAgain(ctx context.Context, v view, earlier *v1alpha1.WorkloadRevision) (view, error) {
	configMaps, err := store.ConfigMaps(ctx, r.Live, v.d.Namespace, workload.ConfigMapsOf(&v.d.Spec.Template))
	if err != nil {
		return v, err
	}
	failure := v1alpha1.Failure{
		Reason: v1alpha1.FailureRepeated, ConfigMaps: configMaps,
		Message: fmt.Sprintf("the same pod template failed as #%d and bypassed admission: %s", earlier.Spec.Number, earlier.FailureMessage()),
	}
	if earlier.HasExternalCause() {
		failure.Reason = v1alpha1.FailureExternalCause
	}
	return r.writeFailure(ctx, v, time.Time{}, failure, nil)
}

// writeFailure writes the phase of the newest revision, with its difference to the last healthy
// one, into a history as the API server holds it. signal is when the failure began to show, zero if
// that is not known, and images are what its pods ran.
func (r *Reconciler) writeFailure(ctx context.Context, v view, signal time.Time, failure v1alpha1.Failure, images []v1alpha1.ContainerImage) (view, error) {
	v, err := r.refresh(ctx, v)
	if err != nil {
		return v, err
	}
	failed, healthy := v.history.Newest().DeepCopy(), v.history.LastHealthy()
	history.NoteImages(&failed.Status, images) // The comparison reads them.
	changes, err := r.changesSince(ctx, healthy, failed)
	if err != nil {
		return v, err
	}
	if healthy != nil {
		failure.Changes, failure.ComparedWith = changes.Lines(maxDiffLines, maxDiffBytes), healthy.Spec.Number
		// Where the pods have the same template, the other bytes are the cause.
		if note := history.MovedNote(healthy.Status.Images, images); note != "" && healthy.PodsSame(failed) {
			failure.Message = mask.Line(note + ": " + failure.Message)
		}
	}
	failed, err = r.patch(ctx, v.history.Newest(), func(s *v1alpha1.WorkloadRevisionStatus) {
		history.NoteImages(s, images)
		history.MarkFailed(s, failure, r.Clock.Now())
	})
	if err != nil {
		return v, err
	}
	r.observeFailure(ctx, failed, signal)
	return v.with(failed), nil
}
