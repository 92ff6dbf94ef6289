package guard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/event"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/workload"
)

// emitAll writes the Events about a history that are not written yet: of retries, verdicts,
// rollbacks and holds. An Event that would be older than Events live is not written any more. A
// revision whose Events cannot be written keeps none of the others from it.
func (r *Reconciler) emitAll(ctx context.Context, v view) view {
	for i := range v.history {
		revision := &v.history[i]
		events, err := r.pendingEvents(ctx, v, revision)
		if err == nil {
			revision, err = r.emit(ctx, revision, events...)
		}
		v = v.with(revision).withEmitError(err)
	}
	return v
}

// pendingEvents returns the Events about a revision that are not written yet. Where rollbacks are
// off, only requests are answered.
func (r *Reconciler) pendingEvents(ctx context.Context, v view, revision *v1alpha1.WorkloadRevision) ([]event.Event, error) {
	d, h, now := v.d, v.history, r.Clock.Now()
	var events []event.Event
	status := revision.Status
	if retry := history.AcceptedRetry(revision); retry != nil && now.Sub(retry.Time.Time) <= news && !history.Emitted(revision, v1alpha1.EventRetryAccepted) {
		events = append(events, requestEvent(d, *retry, v1alpha1.EventRetryAccepted))
	}
	if since := status.PhaseTransitionTime; v.settings.Rollback == workload.ModeOff || revision.IsAdopted() || since == nil || now.Sub(since.Time) > news {
		return events, nil
	}
	if status.Phase == v1alpha1.PhaseHealthy && !history.Emitted(revision, v1alpha1.EventRevisionHealthy) {
		events = append(events, healthyEvent(d, revision, v.settings))
	}
	if left := revision.Condition(v1alpha1.ConditionFieldsLeftBehind); left != nil && !history.Emitted(revision, v1alpha1.EventFieldsLeftBehind) {
		events = append(events, event.Event{
			Reason: v1alpha1.EventFieldsLeftBehind, Warning: true, Regarding: event.ObjectRef(d), Key: revision.Name, At: left.LastTransitionTime.Time,
			Message: event.Message(left.Message, nil, ""),
		})
	}
	if revision.HasFailed() && !history.Emitted(revision, v1alpha1.EventRevisionFailed) {
		changes, err := r.changesSince(ctx, h.Number(status.Failure.ComparedWith), revision)
		if err != nil {
			return nil, err
		}
		events = append(events, failedEvent(d, revision, changes))
	}
	if revision.RollbackHold() != nil && !history.Emitted(revision, v1alpha1.EventRollbackHeld) {
		events = append(events, heldEvent(d, revision, now))
	}
	if revision.IsRollbackDone() && !history.Emitted(revision, v1alpha1.EventRolledBack) {
		from, to := h.Number(status.Rollback.ToRevision), revision
		if status.Rollback.Request != "" {
			from, to = to, from // A person wants to read what the request changed, and after a failure, what the failed deploy had.
		}
		changes, err := r.changesSince(ctx, from, to)
		if err != nil {
			return nil, err
		}
		events = append(events, rolledBackEvent(d, revision, changes))
	}
	return events, nil
}

// emit writes Events about a revision, notes in it that they are written, and returns it as it is
// stored then. After a crash in between they are written again, which changes nothing but the count
// of one that repeats. If the cache lags, they may be written already: its next change brings the
// workload back.
func (r *Reconciler) emit(ctx context.Context, about *v1alpha1.WorkloadRevision, events ...event.Event) (*v1alpha1.WorkloadRevision, error) {
	events = slices.DeleteFunc(events, func(e event.Event) bool { return history.Emitted(about, e.Reason) })
	if len(events) == 0 {
		return about, nil
	}
	current, err := store.Load(ctx, r.Live, about)
	if err != nil {
		return about, client.IgnoreNotFound(err)
	}
	if current.ResourceVersion != about.ResourceVersion {
		return about, nil
	}
	var reasons []v1alpha1.EventReason
	var unwritten []error
	for _, e := range events {
		if err := r.Events.Write(ctx, e); err != nil {
			unwritten = append(unwritten, err)
			continue
		}
		reasons = append(reasons, e.Reason)
	}
	if len(reasons) == 0 {
		return about, errors.Join(unwritten...)
	}
	noted := about.DeepCopy()
	if err := store.NoteEmitted(ctx, r.Client, noted, reasons...); err != nil {
		return about, errors.Join(append(unwritten, err)...)
	}
	return noted, errors.Join(unwritten...)
}

func healthyEvent(d *appsv1.Deployment, revision *v1alpha1.WorkloadRevision, s workload.Settings) event.Event {
	message := fmt.Sprintf("#%d is healthy: available and ready for %s", revision.Spec.Number, s.BakeTime)
	if history.Emitted(revision, v1alpha1.EventRevisionFailed) {
		message = fmt.Sprintf("#%d recovered and is healthy: available and ready for %s", revision.Spec.Number, s.BakeTime)
	}
	return event.Event{
		Reason: v1alpha1.EventRevisionHealthy, Regarding: event.ObjectRef(d), Key: revision.Name, At: revision.Status.PhaseTransitionTime.Time,
		Message: event.Message(message, nil, ""),
	}
}

func failedEvent(d *appsv1.Deployment, failed *v1alpha1.WorkloadRevision, changes diff.Changes) event.Event {
	return event.Event{
		Reason: v1alpha1.EventRevisionFailed, Warning: true, Regarding: event.ObjectRef(d), Key: failed.Name, At: failed.Status.Failure.Time.Time,
		Message: event.Message(fmt.Sprintf("#%d failed: %s", failed.Spec.Number, failed.FailureMessage()), changes, details(failed)),
	}
}

// heldEvent returns the Event that names the reason of a hold and explains it.
func heldEvent(d *appsv1.Deployment, failed *v1alpha1.WorkloadRevision, now time.Time) event.Event {
	message := fmt.Sprintf("Rollback of #%d on hold (%s): %s", failed.Spec.Number, failed.RollbackHold().Reason, failed.HoldMessage())
	return event.Event{
		Reason: v1alpha1.EventRollbackHeld, Warning: true, Regarding: event.ObjectRef(d), Key: failed.Name, At: now, Aggregate: true,
		Message: event.Message(message, nil, details(failed)),
	}
}

// rolledBackEvent returns the Event of a rollback: the restored revision, the time since the
// deploy, the cause, what could not be restored, and the difference.
func rolledBackEvent(d *appsv1.Deployment, failed *v1alpha1.WorkloadRevision, changes diff.Changes) event.Event {
	plan := failed.Status.Rollback
	took := plan.CompletionTime.Sub(failed.Spec.AcceptedTime.Time).Round(time.Second)
	cause := fmt.Sprintf("#%d → #%d in %s: %s", failed.Spec.Number, plan.ToRevision, took, failed.FailureMessage())
	if plan.Request != "" {
		cause = fmt.Sprintf("#%d → #%d: requested by %s", failed.Spec.Number, plan.ToRevision, plan.Request)
	}
	for _, pin := range plan.PinnedImages {
		cause += fmt.Sprintf("; container %s runs %s, since the tag moved", pin.ContainerName, pin.Image)
	}
	if note := history.RollbackNote(failed); note != "" {
		cause += "; " + note
	}
	return event.Event{
		Reason: v1alpha1.EventRolledBack, Warning: plan.Request == "", Regarding: event.ObjectRef(d), Key: failed.Name, At: plan.CompletionTime.Time,
		Message: event.Message(cause, changes, details(failed)),
	}
}

// rollbackFailed returns the Event of a rollback that has started and does not complete.
func rollbackFailed(d *appsv1.Deployment, failed *v1alpha1.WorkloadRevision, cause error, now time.Time) event.Event {
	message := fmt.Sprintf("Rollback of #%d → #%d not complete after %s, retrying: %v", failed.Spec.Number, failed.Status.Rollback.ToRevision, trouble, cause)
	return event.Event{
		Reason: v1alpha1.EventRollbackFailed, Warning: true, Regarding: event.ObjectRef(d), Key: failed.Name, At: now,
		Message: event.Message(message, nil, details(failed)),
	}
}

func details(r *v1alpha1.WorkloadRevision) string { return event.DetailsCommand(r.Namespace, r.Name) }
