package guard

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/log"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/internal/apierror"
	"reprise.dev/reprise/internal/mask"
	"reprise.dev/reprise/rollback"
)

// execution is one rollback and how far it is. It is a value: a step returns the next one.
type execution struct {
	stage stage
	// failed and target are the revisions that it leads from and to, whole.
	failed, target *v1alpha1.WorkloadRevision
	// decision is what is due.
	decision rollback.Decision
	// newest is the newest revision of the workload.
	newest *v1alpha1.WorkloadRevision
}

// pins returns the images that the rollback writes with their digests: those of its plan, once that
// is stored.
func (x execution) pins() []v1alpha1.PinnedImage {
	if x.stage == stageDue {
		return x.decision.Pins
	}
	return x.failed.Status.Rollback.PinnedImages
}

// follow does what was decided about the newest revision, and returns when to decide again.
func (r *Reconciler) follow(ctx context.Context, v view, decision rollback.Decision) (view, time.Duration, error) {
	newest := v.history.Newest()
	switch decision.Action {
	case rollback.Wait:
		if decision.After < quietWait {
			return v, decision.After, nil
		}
		held, err := r.hold(ctx, newest, decision.Reason, decision.Message)
		return v.with(held), decision.After, err
	case rollback.Hold:
		held, err := r.hold(ctx, newest, decision.Reason, decision.Message)
		return v.with(held), r.recheckAfter(newest), err
	case rollback.RollBack:
		return r.execute(ctx, v, execution{stage: stageDue, failed: newest, target: decision.Target, decision: decision, newest: newest})
	default:
		return v, 0, nil
	}
}

// resume goes on with a rollback that is written ahead, from wherever it was left. It makes sure
// that the rollback was not ended since: a cache that lags may show it as open, and going on would
// undo a newer deploy.
func (r *Reconciler) resume(ctx context.Context, v view, open *v1alpha1.WorkloadRevision) (view, time.Duration, error) {
	failed, err := store.Load(ctx, r.Live, open)
	if err != nil {
		return v, 0, err
	}
	v = v.with(failed)
	if !failed.IsRollbackOpen() {
		return v, 0, nil
	}
	return r.execute(ctx, v, execution{
		stage: stagePlanned, failed: failed, target: v.history.Number(failed.Status.Rollback.ToRevision), newest: v.history.Newest(),
	})
}

// execute takes a rollback on until it is done or held, if one more may be under way.
func (r *Reconciler) execute(ctx context.Context, v view, x execution) (view, time.Duration, error) {
	if !r.underway.TryAcquire(v.d.Namespace, r.Clock.Now()) {
		return v, turn, nil
	}
	defer r.underway.Release(v.d.Namespace)
	for !x.stage.atRest() {
		next, err := r.step(ctx, x)
		v, x = v.with(next.failed), next
		if err != nil && x.stage == stageDue {
			return v, 0, err
		}
		if err != nil {
			return r.troubled(ctx, v, x, err)
		}
	}
	if x.stage == stageHeld {
		return v, r.recheckAfter(x.failed), nil
	}
	return v, 0, nil
}

// step takes a rollback from one stage to the next. It may be repeated after a crash: what is
// written then is found.
func (r *Reconciler) step(ctx context.Context, x execution) (execution, error) {
	if x.target == nil {
		return r.endWithoutTarget(ctx, x, v1alpha1.HoldTargetGone, fmt.Sprintf("the rollback target #%d was deleted; deploy a fix", x.failed.Status.Rollback.ToRevision))
	}
	target, err := store.LoadFull(ctx, r.Live, x.target)
	if err != nil {
		return x, err
	}
	x.target, err = history.Pinned(target, x.pins())
	if errors.Is(err, history.ErrSnapshot) {
		x.target, err = target, nil // The next step says that the target cannot be read.
	}
	if err != nil {
		return x, err
	}
	switch x.stage {
	case stageDue:
		if x, err = r.check(ctx, x); err != nil || x.stage.atRest() {
			return x, err
		}
		return r.plan(ctx, x)
	case stagePlanned:
		return r.check(ctx, x)
	default:
		return r.restore(ctx, x)
	}
}

// check holds a rollback that a newer deploy overtook or a pause stopped, or whose target cannot
// run. Otherwise it may be executed. Once the target's intent is stored, only the rest is left to
// do.
func (r *Reconciler) check(ctx context.Context, x execution) (execution, error) {
	a := r.applier()
	written, err := a.progress(ctx, x)
	switch {
	case errors.Is(err, errOvertaken):
		return r.giveUp(ctx, x, v1alpha1.HoldOvertaken, err.Error())
	case errors.Is(err, errPaused):
		return r.giveUp(ctx, x, v1alpha1.HoldPaused, err.Error())
	case err != nil:
		return x, err
	}
	if !written {
		reason, why, err := r.cannotRun(ctx, a, x.failed, x.target)
		if err != nil {
			return x, err
		}
		if reason != "" {
			return r.giveUp(ctx, x, reason, why)
		}
	}
	x.stage = stageExecuting
	return x, nil
}

// plan writes the rollback ahead.
func (r *Reconciler) plan(ctx context.Context, x execution) (execution, error) {
	failed, err := r.patch(ctx, x.failed, func(s *v1alpha1.WorkloadRevisionStatus) {
		history.StartRollback(s, v1alpha1.Rollback{
			ToRevision: x.target.Spec.Number, ToIntentHash: x.target.Spec.IntentHash, ToFilesDigest: x.target.Spec.FilesDigest,
			PinnedImages: x.decision.Pins, Attempt: int32(x.decision.Attempt), Request: x.decision.Request,
		}, r.Clock.Now())
	})
	if err != nil {
		x.stage = stageDue
		return x, fmt.Errorf("writing a rollback ahead: %w", err)
	}
	x.failed = failed
	logStep(ctx, "Rollback begun", failed, "to", x.target.Name, "attempt", x.decision.Attempt, "request", x.decision.Request)
	return x, nil
}

// restore writes files, intent and ownership of the target, and ends the rollback.
func (r *Reconciler) restore(ctx context.Context, x execution) (execution, error) {
	err := r.applier().restore(ctx, x.failed, x.target)
	switch {
	case errors.Is(err, errOvertaken):
		return r.giveUp(ctx, x, v1alpha1.HoldOvertaken, err.Error())
	case errors.Is(err, errPaused):
		return r.giveUp(ctx, x, v1alpha1.HoldPaused, err.Error())
	case apierror.IsRejected(err) && r.isStuck(x):
		return r.endRejected(ctx, x, err)
	case errors.Is(err, history.ErrSnapshot):
		return r.endWithoutTarget(ctx, x, v1alpha1.HoldCannotRun, err.Error())
	case err != nil:
		return x, err
	}
	return r.complete(ctx, x, "")
}

// endWithoutTarget ends a rollback whose target cannot be read any more, for a reason. If the
// target's intent was stored by then, the rollback is done: only who owned which field is lost, and
// the next apply does not remove a field that nobody owns.
func (r *Reconciler) endWithoutTarget(ctx context.Context, x execution, reason v1alpha1.HoldReason, why string) (execution, error) {
	a := r.applier()
	_, hash, err := a.read(ctx, x.failed)
	if errors.Is(err, errOvertaken) {
		return r.stop(ctx, x, v1alpha1.HoldOvertaken, err.Error())
	}
	if err != nil {
		return x, err
	}
	if !intentRestored(hash, x.failed, x.failed.Status.Rollback.ToIntentHash) {
		return r.stop(ctx, x, reason, why)
	}
	if err := a.releaseOwnership(ctx, x.failed, x.target); err != nil {
		return x, err
	}
	return r.complete(ctx, x, fmt.Sprintf("the ownership of its fields is lost, so your next apply cannot remove a field by omitting it: %s", why))
}

// complete notes that everything is restored, but for what a note says.
func (r *Reconciler) complete(ctx context.Context, x execution, note string) (execution, error) {
	failed, err := r.patch(ctx, x.failed, func(s *v1alpha1.WorkloadRevisionStatus) {
		history.CompleteRollback(s, note, r.Clock.Now())
	})
	if err != nil {
		return x, err
	}
	x.failed, x.stage = failed, stageDone
	r.observeRollback(ctx, failed, resultCompleted)
	return x, nil
}

// isStuck reports whether a rollback that is written ahead has not come to its end for long.
func (r *Reconciler) isStuck(x execution) bool {
	plan := x.failed.Status.Rollback
	return plan != nil && r.Clock.Now().Sub(plan.StartTime.Time) >= trouble
}

// endRejected ends a rollback of which the API server rejects a write again and again, although its
// dry run passed. If the intent is stored by then, only the ownership is left, and the rollback is
// done.
func (r *Reconciler) endRejected(ctx context.Context, x execution, rejection error) (execution, error) {
	_, hash, err := r.applier().read(ctx, x.failed)
	if errors.Is(err, errOvertaken) {
		return r.giveUp(ctx, x, v1alpha1.HoldOvertaken, err.Error())
	}
	if err != nil {
		return x, err
	}
	why := fmt.Sprintf("the API server rejects a write: %v", rejection)
	if intentRestored(hash, x.failed, x.target.Spec.IntentHash) {
		return r.complete(ctx, x, "Reprise still owns its fields, so the next server-side apply conflicts and needs --force-conflicts: "+mask.Line(why))
	}
	return r.giveUp(ctx, x, v1alpha1.HoldRejected, why)
}

// troubled logs the error of a rollback that is written ahead, and returns when it is tried again.
// It writes an Event, once, if the rollback does not come to its end for long.
func (r *Reconciler) troubled(ctx context.Context, v view, x execution, cause error) (view, time.Duration, error) {
	plan := x.failed.Status.Rollback
	if plan == nil {
		return v, 0, cause
	}
	again := rollback.Retry(plan.StartTime.Time, r.Clock.Now())
	log.FromContext(ctx).Error(cause, "Rolling back; trying again", "revision", x.failed.Name, "after", again)
	if !r.isStuck(x) {
		return v, again, nil
	}
	before := history.Emitted(x.failed, v1alpha1.EventRollbackFailed)
	failed, err := r.emit(ctx, x.failed, rollbackFailed(v.d, x.failed, cause, r.Clock.Now()))
	if !before && history.Emitted(failed, v1alpha1.EventRollbackFailed) {
		r.observeRollback(ctx, failed, resultFailed)
	}
	return v.with(failed).withEmitError(err), again, nil
}

// giveUp holds a rollback before it is done, and says what of it is done. A file that was restored
// by then may belong to neither revision.
func (r *Reconciler) giveUp(ctx context.Context, x execution, reason v1alpha1.HoldReason, why string) (execution, error) {
	if x.stage != stageDue {
		changed, err := r.applier().restoredFiles(ctx, x.failed, x.target)
		if err != nil {
			return x, err
		}
		switch files := strings.Join(changed, ", "); {
		case len(changed) > 0 && reason == v1alpha1.HoldOvertaken:
			why += fmt.Sprintf("; %s had already been restored to #%d, so apply the newer deploy again", files, x.target.Spec.Number)
		case len(changed) > 0:
			why = fmt.Sprintf("%s had already been restored to #%d, and the Deployment had not: %s", files, x.target.Spec.Number, why)
		}
	}
	return r.stop(ctx, x, reason, why)
}

// stop holds a rollback. If it was written ahead, it releases first what was written by then, and
// counts the rollback.
func (r *Reconciler) stop(ctx context.Context, x execution, reason v1alpha1.HoldReason, message string) (execution, error) {
	if x.stage != stageDue {
		err := r.applier().releaseOwnership(ctx, x.failed, x.target)
		if apierror.IsRejected(err) && r.isStuck(x) {
			message += fmt.Sprintf("; Reprise still owns fields, so the next server-side apply needs --force-conflicts: %v", err)
			err = nil
		}
		if err != nil {
			return x, err
		}
	}
	failed, err := r.hold(ctx, x.failed, reason, message)
	if err != nil {
		return x, err
	}
	if x.stage != stageDue {
		result := resultHeld
		if reason == v1alpha1.HoldOvertaken {
			result = resultOvertaken
		}
		r.observeRollback(ctx, failed, result)
	}
	x.failed, x.stage = failed, stageHeld
	return x, nil
}

func (r *Reconciler) applier() applier { return applier{client: r.Client, live: r.Live} }
