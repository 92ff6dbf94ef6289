package guard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/effective"
	"reprise.dev/reprise/event"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/rollback"
	"reprise.dev/reprise/workload"
)

// act carries a decision about the newest revision out, and says when to decide again.
func (r *Reconciler) act(ctx context.Context, d *appsv1.Deployment, h history.History, decision rollback.Decision) (time.Duration, error) {
	live := h.Newest()
	switch decision.Action {
	case rollback.Wait:
		if decision.After < quietWait {
			return decision.After, nil
		}
		return decision.After, r.hold(ctx, live, decision.Reason, decision.Message)
	case rollback.Hold:
		return r.heldFor(live), r.hold(ctx, live, decision.Reason, decision.Message)
	case rollback.RollBack:
		return r.begin(ctx, d, h, decision)
	default:
		return 0, nil
	}
}

// begin starts a rollback, if one more may be under way: it makes sure that the target can run, writes the plan ahead
// and carries it out.
func (r *Reconciler) begin(ctx context.Context, d *appsv1.Deployment, h history.History, decision rollback.Decision) (time.Duration, error) {
	if !r.underway.TryAcquire(1) {
		return turn, nil
	}
	defer r.underway.Release(1)
	live := h.Newest()
	target, err := store.LoadFull(ctx, r.Live, decision.Target)
	if err != nil {
		return 0, err
	}
	a := applier{client: r.Client, live: r.Live}
	if err := a.overtaken(ctx, live, target); errors.Is(err, errOvertaken) {
		return r.heldFor(live), r.hold(ctx, live, v1alpha1.HoldOvertaken, err.Error())
	} else if err != nil {
		return 0, err
	}
	reason, err := r.cannotRun(ctx, a, live, target)
	if err != nil {
		return 0, err
	}
	if reason != "" {
		return r.heldFor(live), r.hold(ctx, live, v1alpha1.HoldCannotRun, reason)
	}
	if err := store.PatchStatus(ctx, r.Client, live, func(s *v1alpha1.WorkloadRevisionStatus) {
		history.StartRollback(s, v1alpha1.Rollback{
			ToRevision: target.Spec.Number, ToIntentHash: target.Spec.IntentHash, ToFilesDigest: target.Spec.FilesDigest,
			Attempt: int32(decision.Attempt), Request: decision.Request,
		}, r.Clock.Now())
	}); err != nil {
		return 0, fmt.Errorf("writing a rollback ahead: %w", err)
	}
	say(ctx, "Rollback begun", live, "to", target.Name, "attempt", decision.Attempt, "request", decision.Request)
	return 0, r.carryOut(ctx, d, live, target)
}

// resume carries out a rollback that was written ahead, from wherever it was left. It makes sure that it was not ended
// since: what a cache that lags takes for open may be over, and what it would undo a newer deploy.
func (r *Reconciler) resume(ctx context.Context, d *appsv1.Deployment, h history.History, failed *v1alpha1.WorkloadRevision) error {
	current, err := store.Load(ctx, r.Live, failed)
	if err != nil {
		return err
	}
	if *failed = *current; !failed.IsRollbackOpen() {
		return nil
	}
	target := h.Number(failed.Status.Rollback.ToRevision)
	if target == nil {
		return r.holdOpen(ctx, failed, v1alpha1.HoldTargetGone, fmt.Sprintf("revision #%d, to go back to, is gone; deploy a fix", failed.Status.Rollback.ToRevision))
	}
	if target, err = store.Load(ctx, r.Live, target); err != nil {
		return err
	}
	if newest := h.Newest(); newest.Spec.Number > failed.Spec.Number && newest.Spec.RollbackOf != failed.Spec.Number {
		return r.giveUp(ctx, applier{client: r.Client, live: r.Live}, failed, target, errOvertaken)
	}
	if workload.IntentOf(d).Hash() == failed.Spec.IntentHash {
		reason, err := r.cannotRun(ctx, applier{client: r.Client, live: r.Live}, failed, target)
		if err != nil {
			return err
		}
		if reason != "" {
			return r.holdOpen(ctx, failed, v1alpha1.HoldCannotRun, reason)
		}
	}
	return r.carryOut(ctx, d, failed, target)
}

// carryOut does what was written ahead and notes that it is done. What does not come to its end for long is told.
func (r *Reconciler) carryOut(ctx context.Context, d *appsv1.Deployment, failed, target *v1alpha1.WorkloadRevision) error {
	a := applier{client: r.Client, live: r.Live}
	err := a.restore(ctx, failed, target)
	if errors.Is(err, errOvertaken) {
		return r.giveUp(ctx, a, failed, target, err)
	}
	if err != nil {
		if r.Clock.Now().Sub(failed.Status.Rollback.StartTime.Time) < trouble {
			return err
		}
		return errors.Join(err, r.tellTrouble(ctx, d, failed, err))
	}
	if err := store.PatchStatus(ctx, r.Client, failed, func(s *v1alpha1.WorkloadRevisionStatus) {
		history.CompleteRollback(s, r.Clock.Now())
	}); err != nil {
		return err
	}
	r.observeRollback(ctx, failed, resultCompleted)
	return nil
}

// tellTrouble tells once that a rollback does not come to its end.
func (r *Reconciler) tellTrouble(ctx context.Context, d *appsv1.Deployment, failed *v1alpha1.WorkloadRevision, cause error) error {
	before := history.Told(failed, event.RollbackFailed)
	if err := r.tell(ctx, failed, rollbackFailed(d, failed, cause, r.Clock.Now())); err != nil {
		return err
	}
	if !before && history.Told(failed, event.RollbackFailed) {
		r.observeRollback(ctx, failed, resultFailed)
	}
	return nil
}

// giveUp holds a rollback that a newer deploy overtook. A file that was put back by then may be part of neither.
func (r *Reconciler) giveUp(ctx context.Context, a applier, failed, target *v1alpha1.WorkloadRevision, overtaken error) error {
	reason := overtaken.Error()
	changed, err := a.putBack(ctx, failed, target)
	if err != nil {
		return err
	}
	if err := a.releaseOwnership(ctx, failed, target); err != nil {
		return err
	}
	if len(changed) > 0 {
		reason += fmt.Sprintf("; it runs with %s as in #%d, which had been put back by then: apply the newer deploy again",
			strings.Join(changed, ", "), target.Spec.Number)
	}
	if err := r.hold(ctx, failed, v1alpha1.HoldOvertaken, reason); err != nil {
		return err
	}
	r.observeRollback(ctx, failed, resultOvertaken)
	return nil
}

// cannotRun says why the target would not run today, or nothing. The API server's dry run passes what it
// refuses only at the Pod, so the effective pod is asked too.
func (r *Reconciler) cannotRun(ctx context.Context, a applier, failed, target *v1alpha1.WorkloadRevision) (string, error) {
	contents, err := history.DecodeSnapshot(target)
	if err != nil {
		return err.Error(), nil
	}
	intent, err := contents.Intent.Typed()
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
	result := effective.Compute(&intent.Spec.Template, r.Namespaces.For(ctx, failed.Namespace))
	for _, objection := range result.Violations {
		// A full quota may be full of the failing pods.
		if replaceable(objection, target) {
			continue
		}
		if objection.Rule != effective.RuleQuotaExceeded && objection.Rule != effective.RuleQuotaUncounted {
			return fmt.Sprintf("#%d cannot run here any more: %s; %s", target.Spec.Number, objection.Message, objection.Fix), nil
		}
	}
	if len(result.Unknown) > 0 {
		return "", fmt.Errorf("cannot tell yet whether revision %s can run: %s", target.Name, result.Unknown[0].Reason)
	}
	err = a.check(ctx, failed, contents.Intent)
	if apierrors.IsInvalid(err) || apierrors.IsForbidden(err) || apierrors.IsBadRequest(err) {
		return fmt.Sprintf("the API server refuses #%d: %v", target.Spec.Number, err), nil
	}
	if errors.Is(err, errOvertaken) {
		return "", nil // restore finds the same and gives up in good order.
	}
	return "", err
}

// replaceable says whether what an objection misses is a file that the rollback puts back.
func replaceable(objection effective.Violation, target *v1alpha1.WorkloadRevision) bool {
	if objection.Rule != effective.RuleConfigMap {
		return false
	}
	return slices.ContainsFunc(rollback.RestorableFiles(target.Spec.Files), func(f v1alpha1.RevisionFile) bool {
		return f.ConfigMapName == objection.Cause.Name
	})
}

// holdOpen holds a rollback that was begun.
func (r *Reconciler) holdOpen(ctx context.Context, failed *v1alpha1.WorkloadRevision, reason v1alpha1.HoldReason, message string) error {
	if err := r.hold(ctx, failed, reason, message); err != nil {
		return err
	}
	r.observeRollback(ctx, failed, resultHeld)
	return nil
}

// hold notes why a rollback that is due is not done; tellAll tells it, and tells it again when the reason has changed.
func (r *Reconciler) hold(ctx context.Context, failed *v1alpha1.WorkloadRevision, reason v1alpha1.HoldReason, message string) error {
	message = diff.MaskText(message)
	if history.IsHeldFor(failed, reason, message) {
		return nil
	}
	changed := false
	if err := store.PatchStatus(ctx, r.Client, failed, func(s *v1alpha1.WorkloadRevisionStatus) {
		changed = history.HoldRollback(s, reason, message, r.Clock.Now())
	}); err != nil || !changed {
		return err
	}
	r.Observer.Held(reason)
	say(ctx, "Rollback held", failed, "reason", reason, "message", message)
	return nil
}

// holdUndone holds a rollback of files alone that somebody undid before it was recorded: the files are those of the
// newest revision again, so there will be none that could fail and tell of it. It says when to look again while the
// rollback's own revision is not there yet: no change of a file brings the workload in.
func (r *Reconciler) holdUndone(ctx context.Context, d *appsv1.Deployment, newest *v1alpha1.WorkloadRevision) (time.Duration, error) {
	if newest.Status.Phase != v1alpha1.PhaseRolledBack || !newest.FilesOnly() || newest.RollbackHold() != nil {
		return 0, nil
	}
	changed, err := store.ChangedFiles(ctx, r.Live, newest)
	if err != nil {
		return 0, err
	}
	if len(changed) > 0 {
		return turn, nil
	}
	h, err := store.List(ctx, r.Live, d.Namespace, d.Name)
	if err != nil || h.Newest().Spec.Number != newest.Spec.Number {
		return 0, err // It was recorded by now.
	}
	return 0, r.hold(ctx, newest, v1alpha1.HoldFilesWrittenAgain, rollback.FilesWrittenAgain)
}

// heldFor is after how long a held rollback is looked at again.
func (r *Reconciler) heldFor(live *v1alpha1.WorkloadRevision) time.Duration {
	since := live.Spec.AcceptedTime.Time
	if live.Status.PhaseTransitionTime != nil {
		since = live.Status.PhaseTransitionTime.Time
	}
	return rollback.Recheck(since, r.Clock.Now())
}
