package guard

import (
	"context"
	"errors"
	"slices"

	appsv1 "k8s.io/api/apps/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/workload"
)

// view is what one reconcile goes by. It is a value: a step that changes something returns the next
// view.
type view struct {
	d *appsv1.Deployment
	// identity identifies what runs. It is computed once, since that hashes the intent.
	identity history.Identity
	history  history.History
	settings workload.Settings
	// untold is what could not be told. It is told later, and keeps nothing from being restored.
	untold error
}

// with returns the view with a revision in the place of an older version of it.
func (v view) with(revision *v1alpha1.WorkloadRevision) view {
	i := slices.IndexFunc(v.history, func(r v1alpha1.WorkloadRevision) bool { return r.Name == revision.Name })
	if i < 0 || &v.history[i] == revision {
		return v
	}
	v.history = slices.Clone(v.history)
	v.history[i] = *revision
	return v
}

// notTold returns the view with one more error of what could not be told.
func (v view) notTold(err error) view {
	v.untold = errors.Join(v.untold, err)
	return v
}

// patch changes the status of a revision and returns the revision as it is stored then. The
// caller's stays as it is.
func (r *Reconciler) patch(ctx context.Context, revision *v1alpha1.WorkloadRevision, change func(*v1alpha1.WorkloadRevisionStatus)) (*v1alpha1.WorkloadRevision, error) {
	changed := revision.DeepCopy()
	if err := store.PatchStatus(ctx, r.Client, changed, change); err != nil {
		return revision, err
	}
	return changed, nil
}
