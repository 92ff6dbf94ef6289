package rollback

import (
	"context"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/event"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/workload"
)

// tell emits an event about a revision once, and notes in the revision that it did. A crash in between
// repeats the event, which raises its count.
func (r *Reconciler) tell(ctx context.Context, about *v1alpha1.Revision, e event.Event) error {
	if told(about, e.Reason) {
		return nil
	}
	e.Key, e.At = about.Name, r.Clock.Now()
	if err := r.Events.Write(ctx, e); err != nil {
		return err
	}
	return history.PatchStatus(ctx, r.Client, about, func(s *v1alpha1.RevisionStatus) {
		s.Events = append(s.Events, string(e.Reason))
	})
}

func told(about *v1alpha1.Revision, reason event.Reason) bool {
	return slices.Contains(about.Status.Events, string(reason))
}

// tellPhase tells the verdict on the live revision.
func (r *Reconciler) tellPhase(ctx context.Context, d *appsv1.Deployment, h history.History, live *v1alpha1.Revision, s workload.Settings) error {
	if history.Adopted(live) || s.Rollback == workload.ModeOff {
		return nil
	}
	switch live.Status.Phase {
	case v1alpha1.PhaseHealthy:
		return r.tell(ctx, live, event.Event{
			Reason: event.RevisionHealthy, About: event.About(d),
			Message: event.Message(fmt.Sprintf("#%d is healthy: well for %s", live.Spec.Number, s.BakeTime), nil, ""),
		})
	case v1alpha1.PhaseFailed:
		return r.tellFailed(ctx, d, h, live)
	default:
		return nil
	}
}

// tellFailed tells why the live revision failed and, where it is so, why it stays.
func (r *Reconciler) tellFailed(ctx context.Context, d *appsv1.Deployment, h history.History, failed *v1alpha1.Revision) error {
	details := event.Details(failed.Namespace, failed.Name)
	if !told(failed, event.RevisionFailed) {
		changes, err := r.changesSince(ctx, h.LastHealthy(), failed)
		if err != nil {
			return err
		}
		if err := r.tell(ctx, failed, event.Event{
			Reason: event.RevisionFailed, Warning: true, About: event.About(d),
			Message: event.Message(fmt.Sprintf("#%d failed: %s", failed.Spec.Number, failed.Status.Error), changes, details),
		}); err != nil {
			return err
		}
	}
	if failed.Status.Hold == "" {
		return nil
	}
	return r.tell(ctx, failed, event.Event{
		Reason: event.RollbackHeld, Warning: true, About: event.About(d),
		Message: event.Message(fmt.Sprintf("#%d stays: %s", failed.Spec.Number, failed.Status.Hold), nil, details),
	})
}

// tellRollbacks tells of every rollback that was completed and not yet told: what was put back, how long after
// the deploy, why, and what the difference is.
func (r *Reconciler) tellRollbacks(ctx context.Context, d *appsv1.Deployment, h history.History) error {
	for i := range h {
		failed := &h[i]
		if failed.Status.Rollback == nil || failed.Status.Rollback.DoneAt == nil || told(failed, event.RolledBack) {
			continue
		}
		changes, err := r.changesSince(ctx, h.Number(failed.Status.Rollback.To), failed)
		if err != nil {
			return err
		}
		took := failed.Status.Rollback.DoneAt.Sub(failed.Spec.AcceptedAt.Time).Round(time.Second)
		cause := fmt.Sprintf("#%d → #%d in %s: %s", failed.Spec.Number, failed.Status.Rollback.To, took, failed.Status.Error)
		if err := r.tell(ctx, failed, event.Event{
			Reason: event.RolledBack, Warning: true, About: event.About(d),
			Message: event.Message(cause, changes, event.Details(failed.Namespace, failed.Name)),
		}); err != nil {
			return err
		}
	}
	return nil
}

// changesSince compares a revision with the healthy one before it; without one there is no difference to tell.
func (r *Reconciler) changesSince(ctx context.Context, healthy, revision *v1alpha1.Revision) (diff.Changes, error) {
	if healthy == nil {
		return nil, nil
	}
	old, err := r.snapshot(ctx, healthy)
	if err != nil {
		return nil, err
	}
	new, err := r.snapshot(ctx, revision)
	if err != nil {
		return nil, err
	}
	return diff.Revisions(old, new)
}

func (r *Reconciler) snapshot(ctx context.Context, revision *v1alpha1.Revision) (diff.Revision, error) {
	whole, err := history.Load(ctx, r.Live, revision)
	if err != nil {
		return diff.Revision{}, err
	}
	return history.Snapshot(whole)
}
