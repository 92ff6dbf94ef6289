package rollback

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/effective"
	"reprise.dev/reprise/event"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/workload"
)

// act carries a decision about the newest revision out, and says when to decide again.
func (r *Reconciler) act(ctx context.Context, d *appsv1.Deployment, h history.History, decision Decision) (time.Duration, error) {
	live := h.Newest()
	switch decision.Action {
	case Wait:
		if decision.After < quietWait {
			return decision.After, nil
		}
		return decision.After, r.hold(ctx, live, decision.Cause, decision.Reason)
	case Hold:
		return r.heldFor(live), r.hold(ctx, live, decision.Cause, decision.Reason)
	case To:
		return r.begin(ctx, d, h, decision)
	default:
		return 0, nil
	}
}

// begin starts a rollback, if one more may be under way: it makes sure that the target can run, writes the plan ahead
// and carries it out.
func (r *Reconciler) begin(ctx context.Context, d *appsv1.Deployment, h history.History, decision Decision) (time.Duration, error) {
	if !r.underway.TryAcquire(1) {
		return turn, nil
	}
	defer r.underway.Release(1)
	live := h.Newest()
	target, err := history.Whole(ctx, r.Live, decision.Target)
	if err != nil {
		return 0, err
	}
	a := applier{client: r.Client, live: r.Live}
	if err := a.overtaken(ctx, live, target); errors.Is(err, errOvertaken) {
		return r.heldFor(live), r.hold(ctx, live, CauseOvertaken, err.Error())
	} else if err != nil {
		return 0, err
	}
	reason, err := r.cannotRun(ctx, a, live, target)
	if err != nil {
		return 0, err
	}
	if reason != "" {
		return r.heldFor(live), r.hold(ctx, live, CauseCannotRun, reason)
	}
	if err := history.PatchStatus(ctx, r.Client, live, func(s *v1alpha1.RevisionStatus) {
		s.Hold = ""
		s.Rollback = &v1alpha1.Rollback{
			To: target.Spec.Number, ToIntentHash: target.Spec.IntentHash, ToFilesDigest: target.Spec.FilesDigest,
			Attempt: int32(decision.Attempt), Request: decision.Request, StartedAt: metav1.NewTime(r.Clock.Now()),
		}
	}); err != nil {
		return 0, fmt.Errorf("writing a rollback ahead: %w", err)
	}
	say(ctx, "Rollback begun", live, "to", target.Name, "attempt", decision.Attempt, "request", decision.Request)
	return 0, r.carryOut(ctx, d, live, target)
}

// resume carries out a rollback that was written ahead, from wherever it was left. It makes sure that it was not ended
// since: what a cache that lags takes for open may be over, and what it would undo a newer deploy.
func (r *Reconciler) resume(ctx context.Context, d *appsv1.Deployment, h history.History, failed *v1alpha1.Revision) error {
	current, err := history.Load(ctx, r.Live, failed)
	if err != nil {
		return err
	}
	if *failed = *current; !open(failed) {
		return nil
	}
	target := h.Number(failed.Status.Rollback.To)
	if target == nil {
		return r.holdOpen(ctx, failed, CauseTargetGone, fmt.Sprintf("revision #%d, to go back to, is gone; deploy a fix", failed.Status.Rollback.To))
	}
	if target, err = history.Load(ctx, r.Live, target); err != nil {
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
			return r.holdOpen(ctx, failed, CauseCannotRun, reason)
		}
	}
	return r.carryOut(ctx, d, failed, target)
}

// carryOut does what was written ahead and notes that it is done. What does not come to its end for long is told.
func (r *Reconciler) carryOut(ctx context.Context, d *appsv1.Deployment, failed, target *v1alpha1.Revision) error {
	a := applier{client: r.Client, live: r.Live}
	err := a.restore(ctx, failed, target)
	if errors.Is(err, errOvertaken) {
		return r.giveUp(ctx, a, failed, target, err)
	}
	if err != nil {
		if r.Clock.Now().Sub(failed.Status.Rollback.StartedAt.Time) < trouble {
			return err
		}
		return errors.Join(err, r.tellTrouble(ctx, d, failed, err))
	}
	now := metav1.NewTime(r.Clock.Now())
	if err := history.PatchStatus(ctx, r.Client, failed, func(s *v1alpha1.RevisionStatus) {
		if s.Phase == v1alpha1.PhaseFailed {
			s.Phase, s.PhaseSince = v1alpha1.PhaseRolledBack, &now
		}
		s.Rollback.DoneAt = &now
		if s.Rollback.Request != "" {
			s.Requests = append(s.Requests, v1alpha1.Request{
				Request: s.Rollback.Request, At: now, Granted: true, Outcome: fmt.Sprintf("#%d was put back", s.Rollback.To),
			})
		}
	}); err != nil {
		return err
	}
	r.observeRollback(ctx, failed, resultCompleted)
	return nil
}

// tellTrouble tells once that a rollback does not come to its end.
func (r *Reconciler) tellTrouble(ctx context.Context, d *appsv1.Deployment, failed *v1alpha1.Revision, cause error) error {
	before := told(failed, event.RollbackFailed)
	if err := r.tell(ctx, failed, rollbackFailed(d, failed, cause, r.Clock.Now())); err != nil {
		return err
	}
	if !before && told(failed, event.RollbackFailed) {
		r.observeRollback(ctx, failed, resultFailed)
	}
	return nil
}

// giveUp holds a rollback that a newer deploy overtook. A file that was put back by then may be part of neither.
func (r *Reconciler) giveUp(ctx context.Context, a applier, failed, target *v1alpha1.Revision, overtaken error) error {
	reason := overtaken.Error()
	changed, err := a.putBack(ctx, failed, target)
	if err != nil {
		return err
	}
	if err := a.letGo(ctx, failed, target); err != nil {
		return err
	}
	if len(changed) > 0 {
		reason += fmt.Sprintf("; it runs with %s as in #%d, which had been put back by then: apply the newer deploy again",
			strings.Join(changed, ", "), target.Spec.Number)
	}
	if err := r.hold(ctx, failed, CauseOvertaken, reason); err != nil {
		return err
	}
	r.observeRollback(ctx, failed, resultOvertaken)
	return nil
}

// cannotRun says why the target would not run today, or nothing. The API server's dry run passes what it
// refuses only at the Pod, so the effective pod is asked too.
func (r *Reconciler) cannotRun(ctx context.Context, a applier, failed, target *v1alpha1.Revision) (string, error) {
	contents, err := history.Open(target)
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
func replaceable(objection effective.Objection, target *v1alpha1.Revision) bool {
	if objection.Rule != effective.RuleConfigMap {
		return false
	}
	return slices.ContainsFunc(kept(target.Spec.Files), func(f v1alpha1.RevisionFile) bool {
		return f.ConfigMap == objection.Cause.Name
	})
}

// holdOpen holds a rollback that was begun.
func (r *Reconciler) holdOpen(ctx context.Context, failed *v1alpha1.Revision, cause Cause, reason string) error {
	if err := r.hold(ctx, failed, cause, reason); err != nil {
		return err
	}
	r.observeRollback(ctx, failed, resultHeld)
	return nil
}

// hold notes why a rollback that is due is not done; tellAll tells it, and tells it again when the reason has changed.
func (r *Reconciler) hold(ctx context.Context, failed *v1alpha1.Revision, cause Cause, reason string) error {
	if failed.Status.Hold == reason {
		return nil
	}
	if err := history.PatchStatus(ctx, r.Client, failed, func(s *v1alpha1.RevisionStatus) {
		s.Hold = reason
		s.Events = slices.DeleteFunc(s.Events, func(told string) bool { return told == string(event.RollbackHeld) })
	}); err != nil {
		return err
	}
	r.Observer.Held(string(cause))
	say(ctx, "Rollback held back", failed, "cause", cause, "reason", diff.MaskText(reason))
	return nil
}

// holdUndone holds a rollback of files alone that somebody undid before it was recorded: the files are those of the
// newest revision again, so there will be none that could fail and tell of it. It says when to look again while the
// rollback's own revision is not there yet: no change of a file brings the workload in.
func (r *Reconciler) holdUndone(ctx context.Context, d *appsv1.Deployment, newest *v1alpha1.Revision) (time.Duration, error) {
	if newest.Status.Phase != v1alpha1.PhaseRolledBack || !newest.Spec.FilesOnly || newest.Status.Hold != "" {
		return 0, nil
	}
	changed, err := history.ChangedFiles(ctx, r.Live, newest)
	if err != nil {
		return 0, err
	}
	if len(changed) > 0 {
		return turn, nil
	}
	h, err := history.List(ctx, r.Live, d.Namespace, d.Name)
	if err != nil || h.Newest().Spec.Number != newest.Spec.Number {
		return 0, err // It was recorded by now.
	}
	return 0, r.hold(ctx, newest, CauseFilesWrittenAgain, writtenAgain)
}

// heldFor is after how long a held rollback is looked at again.
func (r *Reconciler) heldFor(live *v1alpha1.Revision) time.Duration {
	since := live.Spec.AcceptedAt.Time
	if live.Status.PhaseSince != nil {
		since = live.Status.PhaseSince.Time
	}
	return recheck(since, r.Clock.Now())
}
