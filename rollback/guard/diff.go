package guard

import (
	"context"
	"errors"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/rollback"
)

// changesSince compares a revision with an earlier one. The images that moved under their tags come
// first. Without one of them there is no difference to tell, and none can be told of what cannot be
// read: that must keep no verdict from being written.
func (r *Reconciler) changesSince(ctx context.Context, earlier, revision *v1alpha1.WorkloadRevision) (diff.Changes, error) {
	if earlier == nil || revision == nil {
		return nil, nil
	}
	snapshots, err := r.snapshots(ctx, earlier, revision)
	if errors.Is(err, history.ErrSnapshot) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	changes, err := diff.Revisions(snapshots[0], snapshots[1])
	return append(history.MovedImages(earlier.Status.Images, revision.Status.Images), changes...), err
}

// snapshots reads whole revisions, to be compared.
func (r *Reconciler) snapshots(ctx context.Context, revisions ...*v1alpha1.WorkloadRevision) ([]diff.Revision, error) {
	all := make([]diff.Revision, len(revisions))
	for i, revision := range revisions {
		var err error
		if all[i], err = r.snapshot(ctx, revision); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (r *Reconciler) snapshot(ctx context.Context, revision *v1alpha1.WorkloadRevision) (diff.Revision, error) {
	whole, err := store.LoadFull(ctx, r.Live, revision)
	if err != nil {
		return diff.Revision{}, err
	}
	return history.ToDiffRevision(whole)
}

// readFieldsLeftBehind reads what FieldsLeftBehind compares. It returns nothing if that cannot be
// read.
func (r *Reconciler) readFieldsLeftBehind(ctx context.Context, failed, target, newest *v1alpha1.WorkloadRevision) (diff.Changes, error) {
	snapshots, err := r.snapshots(ctx, failed, target, newest)
	if errors.Is(err, history.ErrSnapshot) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return rollback.FieldsLeftBehind(snapshots[0], snapshots[1], snapshots[2])
}
