// Package store reads and writes WorkloadRevisions, and reads what else decides about a workload:
// the ConfigMaps that its pods use, and the settings of its namespace.
package store

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
)

// WorkloadField is the selectable field, and the index of a cache, by which the revisions of a
// workload are found.
const WorkloadField = "spec.workloadRef.name"

// List reads a workload's revisions, by number. Those from a cache lack what Trim drops.
func List(ctx context.Context, reader client.Reader, namespace, workload string) (history.History, error) {
	var list v1alpha1.WorkloadRevisionList
	err := reader.List(ctx, &list, client.InNamespace(namespace), client.MatchingFields{WorkloadField: workload})
	if err != nil {
		return nil, fmt.Errorf("listing revisions of %s/%s: %w", namespace, workload, err)
	}
	return history.Sort(list.Items), nil
}

// Load reads the full revision from the API server for one from a cache. It returns an error if
// that is gone.
func Load(ctx context.Context, live client.Reader, r *v1alpha1.WorkloadRevision) (*v1alpha1.WorkloadRevision, error) {
	full := &v1alpha1.WorkloadRevision{}
	if err := live.Get(ctx, client.ObjectKeyFromObject(r), full); err != nil {
		return nil, fmt.Errorf("reading revision %s: %w", r.Name, err)
	}
	return full, nil
}

// LoadFull returns a revision with its snapshot. For one from a cache, it reads it from the API
// server.
func LoadFull(ctx context.Context, live client.Reader, r *v1alpha1.WorkloadRevision) (*v1alpha1.WorkloadRevision, error) {
	if r.Spec.Snapshot.Data != "" {
		return r, nil
	}
	return Load(ctx, live, r)
}

// PatchStatus changes a revision's status. It sends only what changes, since a revision from a
// cache is not full, and only for the resourceVersion that was read. Afterwards r is the full
// stored revision. After an error, r is as it was before, so that nobody reports what was not
// stored.
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

// NoteEmitted notes in a revision that Events about it were written, for the resourceVersion that
// was read.
func NoteEmitted(ctx context.Context, c client.Client, r *v1alpha1.WorkloadRevision, reasons ...v1alpha1.EventReason) error {
	base := r.DeepCopy()
	history.NoteEmitted(r, reasons...)
	if err := c.Patch(ctx, r, client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{})); err != nil {
		*r = *base
		return fmt.Errorf("noting in revision %s which Events were written: %w", r.Name, err)
	}
	return nil
}

// Trim drops from a revision what a cache need not hold: the snapshot and the evidence, which are
// read from the API server when needed. It is the transform of a cache.
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

// Get reads a full revision of a workload from the API server, nil if there is none of that number.
// It returns an error if another workload's revision has its name.
func Get(ctx context.Context, live client.Reader, namespace, workload string, number int64) (*v1alpha1.WorkloadRevision, error) {
	name := history.Name(workload, number)
	r, err := Load(ctx, live, &v1alpha1.WorkloadRevision{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err == nil && r.Spec.WorkloadRef.Name != workload {
		return nil, fmt.Errorf("reading revision %s: it belongs to workload %s, not to %s", name, r.Spec.WorkloadRef.Name, workload)
	}
	return r, err
}

// Newest reads a workload's newest revision in full, nil if there is none. From the newest one in
// the cache, it continues by number, so that a burst of deploys does not list a growing history
// again and again.
func Newest(ctx context.Context, cached, live client.Reader, namespace, workload string) (*v1alpha1.WorkloadRevision, error) {
	h, err := List(ctx, cached, namespace, workload)
	if err != nil {
		return nil, err
	}
	number := int64(1)
	if newest := h.Newest(); newest != nil {
		number = newest.Spec.Number
	}
	var found *v1alpha1.WorkloadRevision
	for {
		next, err := Get(ctx, live, namespace, workload, number)
		if err != nil {
			return nil, err
		}
		if next == nil {
			break
		}
		found, number = next, next.Spec.Number+1
	}
	if found != nil || len(h) == 0 {
		return found, nil
	}
	// The newest one in the cache is deleted. Older ones keep their numbers from being used again.
	if h, err = List(ctx, live, namespace, workload); err != nil {
		return nil, err
	}
	return h.Newest(), nil
}

// Create stores a new revision. It succeeds if there is already one with that number and intent: it
// was begun before a crash, and the contents of its files as they were then stand. The caller
// writes the status, since the API server drops it from a create: a revision without a phase is not
// complete.
func Create(ctx context.Context, c client.Client, live client.Reader, r *v1alpha1.WorkloadRevision) error {
	history.Bound(r)
	status := r.Status
	err := c.Create(ctx, r)
	if err == nil {
		r.Status = status
		return nil
	}
	if !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("creating revision %s: %w", r.Name, err)
	}
	stored, err := Load(ctx, live, r)
	if err != nil {
		return err
	}
	sameFiles := stored.Spec.FilesDigest == r.Spec.FilesDigest
	incomplete := !stored.IsRecorded()
	if history.RecordedIdentity(stored) != history.RecordedIdentity(r) || !sameFiles && !incomplete {
		return fmt.Errorf("revision %s exists with another intent: another leader recorded it", r.Name)
	}
	*r = *stored
	if incomplete {
		r.Status = status
		if !sameFiles && status.Phase == v1alpha1.PhaseHealthy {
			history.MarkProgressing(&r.Status, r.Spec.AcceptedTime.Time) // The phase was inherited for the current files.
		}
	}
	return nil
}
