package guard

import (
	"context"
	"time"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/internal/mask"
	"reprise.dev/reprise/rollback"
)

// hold notes why a rollback that is due is not done, and returns the revision with the note.
// emitAll writes the Event, and writes it again when the reason has changed.
func (r *Reconciler) hold(ctx context.Context, failed *v1alpha1.WorkloadRevision, reason v1alpha1.HoldReason, message string) (*v1alpha1.WorkloadRevision, error) {
	message = mask.Line(message)
	if history.IsHeldFor(failed, reason, message) {
		return failed, nil
	}
	changed := false
	held, err := r.patch(ctx, failed, func(s *v1alpha1.WorkloadRevisionStatus) {
		changed = history.HoldRollback(s, reason, message, r.Clock.Now())
	})
	if err != nil {
		return failed, err
	}
	if changed {
		r.Observer.Held(reason)
		logStep(ctx, "Rollback held", held, "reason", reason, "message", message)
	}
	return held, nil
}

// holdWrittenAgain holds a rollback of files alone that somebody undid before it was recorded: the
// files are those of the newest revision again, so there will be none that could fail and tell of
// it. It returns when to look again while the rollback's own revision is not there yet: no change
// of a file brings the workload in.
func (r *Reconciler) holdWrittenAgain(ctx context.Context, v view) (view, time.Duration, error) {
	newest := v.history.Newest()
	if newest.Status.Phase != v1alpha1.PhaseRolledBack || !newest.FilesOnly() || newest.RollbackHold() != nil {
		return v, 0, nil
	}
	changed, err := store.ChangedFiles(ctx, r.Live, newest)
	if err != nil {
		return v, 0, err
	}
	if len(changed) > 0 {
		return v, turn, nil
	}
	h, err := store.List(ctx, r.Live, v.d.Namespace, v.d.Name)
	if err != nil {
		return v, 0, err
	}
	if now := h.Newest(); now == nil || now.Spec.Number != newest.Spec.Number {
		return v, 0, nil // It was recorded by now, or everything was deleted.
	}
	held, err := r.hold(ctx, newest, v1alpha1.HoldFilesWrittenAgain, rollback.FilesWrittenAgain)
	return v.with(held), 0, err
}

// recheckAfter returns after how long a held rollback is looked at again.
func (r *Reconciler) recheckAfter(live *v1alpha1.WorkloadRevision) time.Duration {
	since := live.Spec.AcceptedTime.Time
	if live.Status.PhaseTransitionTime != nil {
		since = live.Status.PhaseTransitionTime.Time
	}
	return rollback.Recheck(since, r.Clock.Now())
}
