package history

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
)

// WorkloadField is the selectable field, and the index of a cache, by which a workload's Revisions are found.
const WorkloadField = "spec.workload.name"

// List reads a workload's revisions, ordered.
func List(ctx context.Context, reader client.Reader, namespace, workload string) (History, error) {
	var list v1alpha1.RevisionList
	err := reader.List(ctx, &list, client.InNamespace(namespace), client.MatchingFields{WorkloadField: workload})
	if err != nil {
		return nil, fmt.Errorf("listing revisions of %s/%s: %w", namespace, workload, err)
	}
	return Sort(list.Items), nil
}

// create stores a new revision. A revision of that number and intent that is already there is success: the work
// was begun before a crash, or by a reconcile of which the cache does not know yet. The status is the caller's to
// write, since the API server drops it from a create: a revision without a phase is one that is not finished.
func create(ctx context.Context, c client.Client, live client.Reader, r *v1alpha1.Revision) error {
	status := r.Status
	err := c.Create(ctx, r)
	if err == nil {
		r.Status = status
		return nil
	}
	if !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("recording revision %s: %w", r.Name, err)
	}
	stored := &v1alpha1.Revision{}
	if err := live.Get(ctx, client.ObjectKeyFromObject(r), stored); err != nil {
		return fmt.Errorf("reading revision %s, which exists: %w", r.Name, err)
	}
	if stored.Spec.IntentHash != r.Spec.IntentHash || stored.Spec.Workload.UID != r.Spec.Workload.UID {
		return fmt.Errorf("revision %s exists with another intent: the cache is behind", r.Name)
	}
	*r = *stored
	if r.Status.Phase == "" {
		r.Status = status
	}
	return nil
}
