package gc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
)

// Bounds are how much history one namespace may have. A quota of a namespace does not count
// revisions, and so whoever creates and deletes workloads could fill etcd.
type Bounds struct {
	// Bytes is how large all snapshots are together.
	Bytes int64
	// Deleted is of how many deleted workloads the revisions are retained.
	Deleted int
}

// Observer counts what is deleted before its time.
type Observer interface {
	// Evicted is called with the number of revisions that were deleted because of the bounds of a
	// namespace.
	Evicted(revisions int)
}

// leastLimit is how many revisions of a workload a namespace beyond its bounds keeps: the live one
// and a rollback target.
const leastLimit = 2

// Relieve deletes revisions of the namespaces that are beyond their bounds: those of the workloads
// that were deployed longest ago and deleted, then the oldest ones that no rollback needs.
func (c *Collector) Relieve(ctx context.Context) error {
	var list v1alpha1.WorkloadRevisionList
	if err := c.Client.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("listing revisions: %w", err)
	}
	namespaces := map[string]map[string]history.History{}
	for i := range list.Items {
		r := list.Items[i]
		if namespaces[r.Namespace] == nil {
			namespaces[r.Namespace] = map[string]history.History{}
		}
		workload := r.Spec.WorkloadRef.Name
		namespaces[r.Namespace][workload] = append(namespaces[r.Namespace][workload], r)
	}
	var errs []error // One namespace that cannot be relieved keeps none of the others from it.
	for namespace, workloads := range namespaces {
		errs = append(errs, c.relieve(ctx, namespace, workloads))
	}
	return errors.Join(errs...)
}

// relieve brings one namespace within its bounds, as far as that is possible.
func (c *Collector) relieve(ctx context.Context, namespace string, workloads map[string]history.History) error {
	bounds := c.Bounds()
	bytes := int64(0)
	for _, h := range workloads {
		bytes += size(h)
	}
	if bytes <= bounds.Bytes && len(workloads) <= bounds.Deleted {
		return nil
	}
	var deleted []history.History
	var prunable history.History
	for workload, h := range workloads {
		history.Sort(h)
		exists, err := c.exists(ctx, c.Client, types.NamespacedName{Namespace: namespace, Name: workload})
		if err != nil {
			return err
		}
		if exists {
			prunable = append(prunable, h.Prunable(leastLimit, c.Clock.Now())...)
		} else {
			deleted = append(deleted, h)
		}
	}
	slices.SortFunc(deleted, func(a, b history.History) int { return byTime(*a.Newest(), *b.Newest()) })
	slices.SortFunc(prunable, byTime)
	evicted := 0
	defer func() { c.tell(ctx, namespace, evicted) }()
	for i, h := range deleted {
		if bytes <= bounds.Bytes && len(deleted)-i <= bounds.Deleted {
			return nil
		}
		exists, err := c.exists(ctx, c.Live, types.NamespacedName{Namespace: namespace, Name: h.Newest().Spec.WorkloadRef.Name})
		if err != nil {
			return err
		}
		if exists {
			continue // The cache lagged.
		}
		for _, r := range h {
			if err := c.evict(ctx, r); err != nil {
				return err
			}
			evicted++
		}
		bytes -= size(h)
	}
	for _, r := range prunable {
		if bytes <= bounds.Bytes {
			return nil
		}
		if err := c.evict(ctx, r); err != nil {
			return err
		}
		evicted++
		bytes -= r.Spec.Snapshot.SizeBytes
	}
	return nil
}

// evict deletes one revision, and no later one of its name.
func (c *Collector) evict(ctx context.Context, r v1alpha1.WorkloadRevision) error {
	if err := c.Client.Delete(ctx, r.DeepCopy(), client.Preconditions{UID: &r.UID}); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("deleting revision %s of a namespace beyond its bounds: %w", r.Name, err)
	}
	return nil
}

func (c *Collector) tell(ctx context.Context, namespace string, evicted int) {
	if evicted == 0 {
		return
	}
	log.FromContext(ctx).Info("Deleted revisions of a namespace beyond the bounds of its history", "namespace", namespace, "revisions", evicted)
	if c.Observer != nil {
		c.Observer.Evicted(evicted)
	}
}

// size returns how large the snapshots of revisions are, in bytes.
func size(h history.History) int64 {
	bytes := int64(0)
	for i := range h {
		bytes += h[i].Spec.Snapshot.SizeBytes
	}
	return bytes
}

func byTime(a, b v1alpha1.WorkloadRevision) int {
	return cmp.Or(a.Spec.AcceptedTime.Compare(b.Spec.AcceptedTime.Time), cmp.Compare(a.Name, b.Name))
}
