package rollback

import (
	"context"
	"fmt"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/history"
)

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

// leftBehind reads what leftovers compares.
func (r *Reconciler) leftBehind(ctx context.Context, failed, target, newest *v1alpha1.Revision) (diff.Changes, error) {
	var snapshots [3]diff.Revision
	for i, revision := range []*v1alpha1.Revision{failed, target, newest} {
		var err error
		if snapshots[i], err = r.snapshot(ctx, revision); err != nil {
			return nil, err
		}
	}
	return leftovers(snapshots[0], snapshots[1], snapshots[2])
}

// noted are changes as a Revision keeps them: a change a line, and how many more there are.
func noted(changes diff.Changes) []string {
	var lines []string
	size := 0
	for i, change := range changes {
		line := change.String()
		if size += len(line); len(lines) == maxDiffLines || size > maxDiffBytes {
			return append(lines, fmt.Sprintf("%d more changes", len(changes)-i))
		}
		lines = append(lines, line)
	}
	return lines
}
