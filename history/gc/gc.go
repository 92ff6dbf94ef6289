// Package gc deletes the revisions of workloads that were deleted long ago, and bounds the history
// of each namespace.
package gc

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history/store"
)

// Collector deletes the revisions of workloads that were deleted longer than Retain ago. A workload
// that is deleted and created again, as by `helm uninstall` and `helm install` or by `kubectl
// replace --force`, keeps its revisions. It runs on the leader only.
type Collector struct {
	// Client reads from the cache and writes to the API server.
	Client client.Client
	// Live makes sure that a workload does not exist before its revisions are deleted.
	Live  client.Reader
	Clock clock.PassiveClock
	// Retain returns how long the revisions of a deleted workload are kept.
	Retain func() time.Duration
	// Every is the time between two sweeps.
	Every time.Duration
	// Bounds returns how much history one namespace may have.
	Bounds func() Bounds
	// RelieveEvery is the time between two checks of the bounds.
	RelieveEvery time.Duration
	// Observer counts what the bounds delete; nil for none.
	Observer Observer
}

// NeedLeaderElection tells the manager to run the collector on the leader only.
func (*Collector) NeedLeaderElection() bool { return true }

// Start sweeps every Every, and checks the bounds every RelieveEvery, until the context ends.
func (c *Collector) Start(ctx context.Context) error {
	var relieving sync.WaitGroup
	defer relieving.Wait()
	relieving.Go(func() {
		wait.UntilWithContext(ctx, func(ctx context.Context) {
			if err := c.Relieve(ctx); err != nil && ctx.Err() == nil {
				log.FromContext(ctx).Error(err, "Bounding the history of namespaces; retrying later")
			}
		}, c.RelieveEvery)
	})
	wait.UntilWithContext(ctx, func(ctx context.Context) {
		if err := c.Sweep(ctx); err != nil && ctx.Err() == nil {
			log.FromContext(ctx).Error(err, "Sweeping the revisions of deleted workloads; retrying later")
		}
	}, c.Every)
	return nil
}

// Sweep checks every workload once. It notes the time at which it finds one deleted, and deletes
// the revisions of those for which that was longer than Retain ago.
func (c *Collector) Sweep(ctx context.Context) error {
	workloads, err := c.workloads(ctx)
	if err != nil {
		return err
	}
	var errs []error // One workload that cannot be looked at keeps none of the others from it.
	for key := range workloads {
		errs = append(errs, c.sweep(ctx, key))
	}
	return errors.Join(errs...)
}

// workloads returns the workloads that have revisions. It does not copy them: there may be 50,000.
func (c *Collector) workloads(ctx context.Context) (sets.Set[types.NamespacedName], error) {
	var list v1alpha1.WorkloadRevisionList
	if err := c.Client.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing revisions: %w", err)
	}
	workloads := sets.New[types.NamespacedName]()
	for i := range list.Items {
		workloads.Insert(types.NamespacedName{Namespace: list.Items[i].Namespace, Name: list.Items[i].Spec.WorkloadRef.Name})
	}
	return workloads, nil
}

// sweep checks one workload.
func (c *Collector) sweep(ctx context.Context, key types.NamespacedName) error {
	h, err := store.List(ctx, c.Client, key.Namespace, key.Name)
	if err != nil {
		return err
	}
	newest := h.Newest()
	if newest == nil {
		return nil // It went meanwhile.
	}
	exists, err := c.exists(ctx, c.Client, key)
	if err != nil {
		return err
	}
	now := metav1.NewTime(c.Clock.Now())
	since := newest.Status.WorkloadDeletedTime
	switch {
	case exists && since == nil, !exists && since != nil && now.Sub(since.Time) < c.Retain():
		return nil
	case exists:
		return store.PatchStatus(ctx, c.Client, newest, func(status *v1alpha1.WorkloadRevisionStatus) { status.WorkloadDeletedTime = nil })
	case since == nil:
		return store.PatchStatus(ctx, c.Client, newest, func(status *v1alpha1.WorkloadRevisionStatus) { status.WorkloadDeletedTime = &now })
	}
	exists, err = c.exists(ctx, c.Live, key)
	if err != nil {
		return err
	}
	if exists {
		return nil // The cache lagged.
	}
	for i := range h {
		if err := c.Client.Delete(ctx, &h[i]); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("deleting revision %s of a deleted workload: %w", h[i].Name, err)
		}
	}
	return nil
}

// exists reports whether a workload exists, as a reader has it.
func (c *Collector) exists(ctx context.Context, reader client.Reader, key types.NamespacedName) (bool, error) {
	err := reader.Get(ctx, key, &appsv1.Deployment{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for %s: %w", key, err)
	}
	return true, nil
}
