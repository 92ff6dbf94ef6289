package recorder

import (
	"context"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/event"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/workload"
)

// retry is how a record is tried again: at once, and then ever less often, without end.
var retry = wait.Backoff{Duration: 50 * time.Millisecond, Factor: 2, Jitter: 0.2, Steps: 10, Cap: 30 * time.Second}

// record records a capture. What may pass is tried again until the context ends; what cannot is told, and the
// workload's next capture goes on.
func (r *Recorder) record(ctx context.Context, c observedIntent) {
	d := c.deployment
	logger := log.FromContext(ctx).WithValues("namespace", d.Namespace, "workload", d.Name, "resourceVersion", d.ResourceVersion)
	_ = retry.DelayFunc().Until(ctx, true, false, func(ctx context.Context) (bool, error) {
		err := r.recordOnce(ctx, c)
		switch {
		case err == nil || ctx.Err() != nil:
			return true, nil
		case gone(err):
			logger.Info("The namespace is gone or going: there is nothing to record in")
			return true, nil
		case !hopeless(err):
			logger.Error(err, "Recording; trying again")
			return false, nil
		}
		logger.Error(err, "This intent cannot be recorded")
		r.Observer.RecordFailed()
		if err := r.Events.Write(ctx, failedEvent(d, err, r.Clock.Now())); err != nil {
			logger.Error(err, "Telling that an intent cannot be recorded")
		}
		return true, nil
	})
}

// hopeless says whether the API server will refuse the same write again: the revision is too large.
func hopeless(err error) bool {
	return errors.Is(err, history.ErrTooLarge) || apierrors.IsInvalid(err) || apierrors.IsRequestEntityTooLargeError(err)
}

// gone says whether the namespace that a revision would be written to is not there any more.
func gone(err error) bool {
	return apierrors.IsNotFound(err) || apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause)
}

// recordOnce writes the next revision, tells of it, ends the one that it replaces and prunes. Each step may be
// repeated: until the phase is written, the revision counts as not recorded.
func (r *Recorder) recordOnce(ctx context.Context, c observedIntent) error {
	previous, err := r.predecessors(ctx, c.deployment)
	if err != nil {
		return err
	}
	if c.files {
		// It was offered out of a cache, which knows neither the whole Deployment nor a deploy of just now.
		if c, err = r.readAgain(ctx, c); err != nil || c.raw == nil || previous.beingRolledBack() {
			return err
		}
	} else if previous.newest != nil && previous.recorded(c.deployment) {
		return nil
	}
	d := c.deployment
	if previous.files, err = r.filesOf(ctx, c); err != nil {
		return err
	}
	if c.files && !previous.filesOnly(d) {
		return nil
	}
	now := r.Clock.Now()
	revision, err := previous.newRevision(c, now)
	if err != nil {
		return err
	}
	r.audit(ctx, d, revision, now)
	if err := store.Create(ctx, r.Client, r.Live, revision); err != nil {
		return err
	}
	if err := r.Events.Write(ctx, recordedEvent(d, revision, now)); err != nil {
		return err
	}
	if err := r.supersede(ctx, previous.newest, now); err != nil {
		return err
	}
	if err := r.Client.Status().Update(ctx, revision); err != nil {
		return fmt.Errorf("writing the phase of revision %s: %w", revision.Name, err)
	}
	r.Observer.Recorded()
	log.FromContext(ctx).Info("Recorded", "namespace", d.Namespace, "workload", d.Name, "revision", revision.Name, "change", revision.Spec.ChangeSummary)
	if err := r.prune(ctx, d, revision); err != nil {
		log.FromContext(ctx).Error(err, "Pruning; the next deploy tries again", "namespace", d.Namespace, "workload", d.Name)
	}
	return nil
}

// predecessors reads the whole newest revision, and the target of its rollback. A newest one without a phase was not
// finished by whoever began it: where it is of the same intent, it is left out, made again and finished. Where it is of
// another, its deploy is never replayed, after a gap or a fold, and it is replaced as it is.
func (r *Recorder) predecessors(ctx context.Context, d *appsv1.Deployment) (predecessors, error) {
	var p predecessors
	var err error
	if p.newest, err = store.Newest(ctx, r.Client, r.Live, d.Namespace, d.Name); err != nil || p.newest == nil {
		return p, err
	}
	p.last = p.newest.Spec.Number
	if !p.newest.IsRecorded() && history.RecordsIntentOf(p.newest, d) {
		p.last--
		if p.newest, err = store.Get(ctx, r.Live, d.Namespace, history.Name(d.Name, p.last)); err != nil || p.newest == nil {
			return p, err
		}
	}
	if plan := p.newest.Status.Rollback; plan != nil {
		p.target, err = store.Get(ctx, r.Live, d.Namespace, history.Name(d.Name, plan.ToRevision))
	}
	return p, err
}

// readAgain is a capture with its Deployment as the API server holds it now, without it where it is gone.
func (r *Recorder) readAgain(ctx context.Context, c observedIntent) (observedIntent, error) {
	stored := &unstructured.Unstructured{}
	stored.SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind("Deployment"))
	err := r.Live.Get(ctx, client.ObjectKeyFromObject(c.deployment), stored)
	if apierrors.IsNotFound(err) {
		return observedIntent{}, nil
	}
	if err != nil {
		return observedIntent{}, fmt.Errorf("reading %s for its files: %w", c.deployment.Name, err)
	}
	c.raw = stored
	c.deployment, err = typed(stored)
	return c, err
}

// filesOnly says whether nothing but the files differs from the newest revision. A changed intent is recorded from
// the watch, with the files.
func (p predecessors) filesOnly(d *appsv1.Deployment) bool {
	return p.newest != nil && history.RecordsIntentOf(p.newest, d) && p.newest.Spec.FilesDigest != history.FilesDigest(p.files.listed)
}

// beingRolledBack says whether what differs from the newest revision may be a rollback's own work.
func (p predecessors) beingRolledBack() bool {
	return p.newest != nil && p.newest.IsRollbackOpen()
}

// recorded says whether a Deployment's intent is the newest revision's, or is older: replayed from a checkpoint.
// Resource versions of one kind can be compared (k8s.io/apimachinery/pkg/util/resourceversion); where they
// cannot, nothing counts as older.
func (p predecessors) recorded(d *appsv1.Deployment) bool {
	if history.RecordsIntentOf(p.newest, d) {
		return true
	}
	order, err := resourceversion.CompareResourceVersion(d.ResourceVersion, p.newest.Spec.ResourceVersion)
	return err == nil && order <= 0
}

// audit notes what the policies say of a stored intent: whether admission checked it or not.
func (r *Recorder) audit(ctx context.Context, d *appsv1.Deployment, revision *v1alpha1.WorkloadRevision, now time.Time) {
	violations, err := r.Auditor.Audit(ctx, d)
	history.SetCompliant(&revision.Status, violations, err, now)
}

// supersede ends the revision that was replaced before there was a verdict, or before it was finished.
func (r *Recorder) supersede(ctx context.Context, previous *v1alpha1.WorkloadRevision, now time.Time) error {
	if previous == nil || !previous.AwaitsVerdict() {
		return nil
	}
	return client.IgnoreNotFound(store.PatchStatus(ctx, r.Client, previous, func(s *v1alpha1.WorkloadRevisionStatus) {
		history.MarkSuperseded(s, now)
	}))
}

// prune deletes what is beyond the workload's limit. It goes by the cache and the newest revision, which the cache may
// not know yet.
func (r *Recorder) prune(ctx context.Context, d *appsv1.Deployment, newest *v1alpha1.WorkloadRevision) error {
	namespace := &corev1.Namespace{}
	if err := r.Client.Get(ctx, client.ObjectKey{Name: d.Namespace}, namespace); err != nil {
		return fmt.Errorf("reading namespace %s for its settings: %w", d.Namespace, err)
	}
	settings, _ := workload.SettingsOf(d, namespace.Annotations, r.Defaults())
	h, err := store.List(ctx, r.Client, d.Namespace, d.Name)
	if err != nil {
		return err
	}
	if h.Number(newest.Spec.Number) == nil {
		h = append(h, *newest)
	}
	var failures []error
	for _, expired := range h.Prunable(settings.HistoryLimit, r.Clock.Now()) {
		if err := r.Client.Delete(ctx, &expired); client.IgnoreNotFound(err) != nil {
			failures = append(failures, fmt.Errorf("pruning revision %s: %w", expired.Name, err))
		}
	}
	return errors.Join(failures...)
}

func recordedEvent(d *appsv1.Deployment, revision *v1alpha1.WorkloadRevision, now time.Time) event.Event {
	cause := fmt.Sprintf("#%d recorded", revision.Spec.Number)
	if revision.Spec.RestoredFrom != 0 {
		cause = fmt.Sprintf("#%d restores #%d", revision.Spec.Number, revision.Spec.RestoredFrom)
	}
	if revision.Spec.SkippedRevisions > 0 {
		cause += fmt.Sprintf(" (%d more between it and #%d came too fast and were left out)", revision.Spec.SkippedRevisions, revision.Spec.Number-1)
	}
	if revision.Spec.ChangeSummary != "" {
		cause += ": " + revision.Spec.ChangeSummary
	}
	return event.Event{
		Reason: event.RevisionRecorded, Regarding: event.ObjectRef(d), Key: revision.Name, At: now,
		Message: event.Message(cause, nil, ""),
	}
}

func failedEvent(d *appsv1.Deployment, cause error, now time.Time) event.Event {
	return event.Event{
		Reason: event.RecordingFailed, Warning: true, Regarding: event.ObjectRef(d), Key: workload.IntentOf(d).Hash(), At: now,
		Message: event.Message("this deploy was not recorded and cannot be gone back to: "+cause.Error(), nil, ""),
	}
}
