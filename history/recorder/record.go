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
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/event"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/internal/apierror"
)

// attempt tries to record an observation once. It reports with an Event that it is refused, for now
// or for good, unless it did so before.
func (r *Recorder) attempt(ctx context.Context, what observation, again bool) outcome {
	name := what.workload()
	logger := log.FromContext(ctx).WithValues("namespace", name.Namespace, "workload", name.Name)
	ctx = log.IntoContext(ctx, logger)
	observed, err := r.recordOnce(ctx, what)
	result := settled
	switch {
	case err == nil || ctx.Err() != nil:
		return settled
	case namespaceGone(err):
		logger.Info("The namespace is gone or terminating; nothing is recorded")
		return settled
	case permanent(err):
		logger.Error(err, "This intent cannot be recorded")
	case apierror.IsRefused(err):
		logger.Error(err, "The API server does not let this intent be recorded; retrying after a while")
		result = refused
	default:
		logger.Error(err, "Recording a revision; retrying")
		return failed
	}
	if again {
		return result
	}
	r.Observer.RecordFailed()
	if err := r.Events.Write(ctx, recordingFailed(observed, err, r.Clock.Now())); err != nil {
		logger.Error(err, "Writing the Event that an intent cannot be recorded")
	}
	return result
}

// permanent reports whether the API server would reject the same write again, because the revision
// is too large.
func permanent(err error) bool {
	return errors.Is(err, history.ErrTooLarge) || apierrors.IsInvalid(err) || apierrors.IsRequestEntityTooLargeError(err)
}

// namespaceGone reports whether an error says that the namespace of a revision is gone or
// terminating (k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle).
func namespaceGone(err error) bool {
	var status apierrors.APIStatus
	if apierrors.IsNotFound(err) && errors.As(err, &status) {
		details := status.Status().Details
		return details != nil && details.Kind == "namespaces"
	}
	return apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause)
}

// recordOnce records an observation, and returns the Deployment that it is of.
func (r *Recorder) recordOnce(ctx context.Context, what observation) (history.Observed, error) {
	if e, ok := what.(intentEvent); ok {
		return e.Observed, r.recordIntent(ctx, e)
	}
	observed, err := r.observe(ctx, what.workload())
	if err != nil || observed.Deployment == nil {
		return observed, err
	}
	return observed, r.recordFiles(ctx, observed)
}

// recordIntent writes the revision of a new intent, unless it is recorded already. Its files are
// those at the Deployment's resourceVersion, if they can be read as of then.
func (r *Recorder) recordIntent(ctx context.Context, e intentEvent) error {
	previous, err := r.predecessors(ctx, e.Observed)
	if err != nil || previous.Recorded(e.Observed) {
		return err
	}
	asOf := ""
	if e.Adoption == "" && r.sharedResourceVersions {
		asOf = e.Deployment.ResourceVersion
	}
	files, err := r.filesOf(ctx, e.Deployment, asOf)
	if err != nil {
		return err
	}
	return r.write(ctx, previous, e.Observed, files, e.Arrival)
}

// recordFiles writes a revision of changed files. If the intent changed too, it leaves the files to
// that intent's revision, and if a rollback is in progress, to the rollback. If the workload has no
// revision at all, it records what runs.
func (r *Recorder) recordFiles(ctx context.Context, o history.Observed) error {
	previous, err := r.predecessors(ctx, o)
	if err != nil || previous.RollingBack() {
		return err
	}
	files, err := r.filesOf(ctx, o.Deployment, "")
	if err != nil {
		return err
	}
	arrival := history.Arrival{}
	switch {
	case previous.Newest == nil:
		arrival.Adoption = history.AdoptedAfterGap // The history was deleted, and its deploy is not known any more.
	case !previous.FilesChanged(o, files):
		return nil
	}
	return r.write(ctx, previous, o, files, arrival)
}

// observe reads a Deployment from the API server: a cache holds neither all fields nor the latest
// deploy. The result has no Deployment if that is gone.
func (r *Recorder) observe(ctx context.Context, workload types.NamespacedName) (history.Observed, error) {
	stored := &unstructured.Unstructured{}
	stored.SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind("Deployment"))
	err := r.Live.Get(ctx, workload, stored)
	if apierrors.IsNotFound(err) {
		return history.Observed{}, nil
	}
	if err != nil {
		return history.Observed{}, fmt.Errorf("reading Deployment %s to record its files: %w", workload.Name, err)
	}
	return history.Observe(stored)
}

// predecessors reads what the next revision is built from. A newest revision without a phase was
// begun and not completed. If it is of the same intent, it is built again and completed. If it is
// of another one, that intent is never replayed, after a gap or after coalescing, and the revision
// is superseded as it is.
func (r *Recorder) predecessors(ctx context.Context, o history.Observed) (history.Predecessors, error) {
	var p history.Predecessors
	var err error
	d := o.Deployment
	if p.Newest, err = store.Newest(ctx, r.Client, r.Live, d.Namespace, d.Name); err != nil || p.Newest == nil {
		return p, err
	}
	p.LastNumber = p.Newest.Spec.Number
	if !p.Newest.IsRecorded() && history.RecordedIdentity(p.Newest) == o.Identity {
		p.LastNumber--
		if p.Newest, err = store.Get(ctx, r.Live, d.Namespace, d.Name, p.LastNumber); err != nil || p.Newest == nil {
			return p, err
		}
	}
	if plan := p.Newest.Status.Rollback; plan != nil {
		p.RollbackTarget, err = store.Get(ctx, r.Live, d.Namespace, d.Name, plan.ToRevision)
	}
	return p, err
}

// write stores the next revision, emits its Event, supersedes its predecessor and prunes. Every
// step can be repeated: until its phase is stored, the revision counts as not recorded. The Event
// comes before the phase, so that it is written after a crash too. If it cannot be written, the
// phase is stored all the same, since nothing is assessed without it.
func (r *Recorder) write(ctx context.Context, previous history.Predecessors, o history.Observed, files *history.Files, arrival history.Arrival) error {
	now := r.Clock.Now()
	revision, err := history.Next(previous, o, files, arrival, now)
	if err != nil {
		return err
	}
	violations, err := r.Auditor.Audit(ctx, o.Deployment)
	history.SetCompliant(&revision.Status, violations, err, now)
	if err := store.Create(ctx, r.Client, r.Live, revision); err != nil {
		return err
	}
	recorded := revisionRecorded(o.Deployment, revision, now)
	unemitted := r.emit(ctx, recorded)
	if err := r.supersede(ctx, previous.Newest, now); err != nil {
		return err
	}
	if err := r.Client.Status().Update(ctx, revision); err != nil {
		return fmt.Errorf("writing the phase of revision %s: %w", revision.Name, err)
	}
	r.Observer.Recorded()
	logger := log.FromContext(ctx)
	if unemitted != nil {
		unemitted = r.emit(ctx, recorded)
	}
	if unemitted != nil {
		logger.Error(unemitted, "Writing the Event of a revision", "revision", revision.Name)
	}
	logger.Info("Recorded a revision", "revision", revision.Name, "change", revision.Spec.ChangeSummary)
	if err := r.prune(ctx, o.Deployment, revision); err != nil {
		logger.Error(err, "Pruning revisions; the next deploy retries")
	}
	return nil
}

// emit writes an Event, within emitWithin. That the API server rejects Events in a namespace is no
// error.
func (r *Recorder) emit(ctx context.Context, e event.Event) error {
	ctx, cancel := context.WithTimeout(ctx, emitWithin)
	defer cancel()
	err := r.Events.Write(ctx, e)
	if apierror.IsRejected(err) {
		log.FromContext(ctx).Error(err, "The API server rejects this Event", "reason", e.Reason, "message", e.Message)
		return nil
	}
	return err
}

// supersede ends a revision that was replaced before there was a verdict, or before it was
// complete, and the hold of its rollback.
func (r *Recorder) supersede(ctx context.Context, previous *v1alpha1.WorkloadRevision, now time.Time) error {
	if previous == nil || history.IsReplaced(previous) {
		return nil
	}
	return client.IgnoreNotFound(store.PatchStatus(ctx, r.Client, previous, func(s *v1alpha1.WorkloadRevisionStatus) {
		history.MarkReplaced(s, now)
	}))
}

// prune deletes the revisions beyond the workload's limit. It uses the cache, which may not hold
// the newest revision.
func (r *Recorder) prune(ctx context.Context, d *appsv1.Deployment, newest *v1alpha1.WorkloadRevision) error {
	settings, err := store.Settings(ctx, r.Client, d, r.Defaults())
	if err != nil {
		return err
	}
	h, err := store.List(ctx, r.Client, d.Namespace, d.Name)
	if err != nil {
		return err
	}
	if h.Number(newest.Spec.Number) == nil {
		h = append(h, *newest)
	}
	var failures []error
	for _, prunable := range h.Prunable(settings.HistoryLimit, r.Clock.Now()) {
		if err := r.Client.Delete(ctx, &prunable); client.IgnoreNotFound(err) != nil {
			failures = append(failures, fmt.Errorf("pruning revision %s: %w", prunable.Name, err))
		}
	}
	return errors.Join(failures...)
}
