// Package store reads and writes WorkloadRevisions.
package store

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/event"
	"reprise.dev/reprise/history"
)

// WorkloadField is the selectable field, and the index of a cache, by which a workload's Revisions are found.
const WorkloadField = "spec.workloadRef.name"

// List reads a workload's revisions, ordered. Those of a cache lack what Trim drops.
func List(ctx context.Context, reader client.Reader, namespace, workload string) (history.History, error) {
	var list v1alpha1.WorkloadRevisionList
	err := reader.List(ctx, &list, client.InNamespace(namespace), client.MatchingFields{WorkloadField: workload})
	if err != nil {
		return nil, fmt.Errorf("listing revisions of %s/%s: %w", namespace, workload, err)
	}
	return history.Sort(list.Items), nil
}

// Load reads a whole revision from the API server, for one out of a cache.
func Load(ctx context.Context, live client.Reader, r *v1alpha1.WorkloadRevision) (*v1alpha1.WorkloadRevision, error) {
	whole := &v1alpha1.WorkloadRevision{}
	if err := live.Get(ctx, client.ObjectKeyFromObject(r), whole); err != nil {
		return nil, fmt.Errorf("reading revision %s: %w", r.Name, err)
	}
	return whole, nil
}

// LoadFull is a revision with its snapshot, which is read from the API server for one out of a cache.
func LoadFull(ctx context.Context, live client.Reader, r *v1alpha1.WorkloadRevision) (*v1alpha1.WorkloadRevision, error) {
	if r.Spec.Snapshot.Data != "" {
		return r, nil
	}
	return Load(ctx, live, r)
}

// PatchStatus changes a revision's status: only what changes is sent, since one out of a cache is not whole, and
// only onto the resourceVersion that was read. Afterwards the revision is the stored one, whole; where it was not stored,
// it is as it was before, and nobody tells of what did not happen.
func PatchStatus(ctx context.Context, c client.Client, r *v1alpha1.WorkloadRevision, change func(*v1alpha1.WorkloadRevisionStatus)) error {
	base := r.DeepCopy()
	change(&r.Status)
	history.Bound(r)
	if err := c.Status().Patch(ctx, r, client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{})); err != nil {
		*r = *base
		return fmt.Errorf("writing the status of revision %s: %w", r.Name, err)
	}
	return nil
}

// NoteTold notes in a revision that Events about it were written, onto the resourceVersion that was read.
func NoteTold(ctx context.Context, c client.Client, r *v1alpha1.WorkloadRevision, reasons ...event.Reason) error {
	base := r.DeepCopy()
	history.NoteTold(r, reasons...)
	if err := c.Patch(ctx, r, client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{})); err != nil {
		*r = *base
		return fmt.Errorf("noting in revision %s which Events were written: %w", r.Name, err)
	}
	return nil
}

// Trim drops from a revision what a cache need not hold: the snapshot and the evidence, which are read from the API
// server when they are needed. It is a cache's transform.
func Trim(object any) (any, error) {
	if r, ok := object.(*v1alpha1.WorkloadRevision); ok {
		r.ManagedFields = nil
		r.Spec.Snapshot.Data = ""
		if r.Status.Failure != nil {
			r.Status.Failure.Evidence = nil
		}
	}
	return object, nil
}

// Get reads a whole revision from the API server, nil where there is none of that name.
func Get(ctx context.Context, live client.Reader, namespace, name string) (*v1alpha1.WorkloadRevision, error) {
	r, err := Load(ctx, live, &v1alpha1.WorkloadRevision{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return r, err
}

// Newest reads a workload's newest revision, whole, nil where there is none. Where a cache stands, it goes on by
// number, so that a burst of deploys does not list the growing history again and again.
func Newest(ctx context.Context, cached, live client.Reader, namespace, workload string) (*v1alpha1.WorkloadRevision, error) {
	h, err := List(ctx, cached, namespace, workload)
	if err != nil {
		return nil, err
	}
	number := int64(0)
	if known := h.Newest(); known != nil {
		number = known.Spec.Number
	}
	var found *v1alpha1.WorkloadRevision
	for {
		next, err := Get(ctx, live, namespace, history.Name(workload, max(number, 1)))
		if err != nil || next == nil {
			return found, err
		}
		found, number = next, next.Spec.Number+1
	}
}

// Create stores a new revision. A revision of that number and intent that is already there is success: the work
// was begun before a crash, and what its files held then stands. The status is the caller's to write, since the API server drops it from a create: a
// revision without a phase is one that is not finished.
func Create(ctx context.Context, c client.Client, live client.Reader, r *v1alpha1.WorkloadRevision) error {
	history.Bound(r)
	status := r.Status
	err := c.Create(ctx, r)
	if err == nil {
		r.Status = status
		return nil
	}
	if !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("recording revision %s: %w", r.Name, err)
	}
	stored, err := Load(ctx, live, r)
	if err != nil {
		return err
	}
	sameFiles := stored.Spec.FilesDigest == r.Spec.FilesDigest
	unfinished := !stored.IsRecorded()
	if stored.Spec.IntentHash != r.Spec.IntentHash || stored.Spec.WorkloadRef.UID != r.Spec.WorkloadRef.UID || !sameFiles && !unfinished {
		return fmt.Errorf("revision %s exists with another intent: another leader recorded it meanwhile", r.Name)
	}
	*r = *stored
	if unfinished {
		r.Status = status
		if !sameFiles && status.Phase == v1alpha1.PhaseHealthy {
			history.MarkProgressing(&r.Status, r.Spec.AcceptedTime.Time) // What is inherited is so for the files of now.
		}
	}
	return nil
}
