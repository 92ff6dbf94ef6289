// Package gc deletes the history of workloads that have been gone for long.
package gc

import (
	"context"
	"errors"
	"fmt"
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

// Collector deletes the history of workloads that have been gone for long. One that is deleted and made again, as
// `helm uninstall` and `helm install` or `kubectl replace --force` do, keeps its history. It runs on the leader only.
type Collector struct {
	// Client reads from the cache and writes to the API server.
	Client client.Client
	// Live makes sure that a workload is gone before its history is deleted.
	Live  client.Reader
	Clock clock.PassiveClock
	// Retain is how long a gone workload's history is kept, as of now.
	Retain func() time.Duration
	// Every is how often it is looked for.
	Every time.Duration
}

// NeedLeaderElection has the manager run the sweeper on the leader only.
func (*Collector) NeedLeaderElection() bool { return true }

// Start sweeps until the context ends.
func (s *Collector) Start(ctx context.Context) error {
	wait.UntilWithContext(ctx, func(ctx context.Context) {
		if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			log.FromContext(ctx).Error(err, "Sweeping the history of workloads that are gone; trying again later")
		}
	}, s.Every)
	return nil
}

// Sweep looks at every workload once: it notes since when one is gone, and deletes the history of those that have
// been gone for longer than Keep.
func (s *Collector) Sweep(ctx context.Context) error {
	workloads, err := s.workloads(ctx)
	if err != nil {
		return err
	}
	var errs []error // One workload that cannot be looked at keeps none of the others from it.
	for key := range workloads {
		errs = append(errs, s.sweep(ctx, key))
	}
	return errors.Join(errs...)
}

// workloads are those that have a history. The revisions are not copied for it: there may be 50,000.
func (s *Collector) workloads(ctx context.Context) (sets.Set[types.NamespacedName], error) {
	var list v1alpha1.WorkloadRevisionList
	if err := s.Client.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing revisions: %w", err)
	}
	workloads := sets.New[types.NamespacedName]()
	for i := range list.Items {
		workloads.Insert(types.NamespacedName{Namespace: list.Items[i].Namespace, Name: list.Items[i].Spec.WorkloadRef.Name})
	}
	return workloads, nil
}

func (s *Collector) sweep(ctx context.Context, key types.NamespacedName) error {
	h, err := store.List(ctx, s.Client, key.Namespace, key.Name)
	if err != nil {
		return err
	}
	newest := h.Newest()
	if newest == nil {
		return nil // It went meanwhile.
	}
	exists, err := s.exists(ctx, s.Client, key)
	if err != nil {
		return err
	}
	now := metav1.NewTime(s.Clock.Now())
	since := newest.Status.WorkloadDeletedTime
	switch {
	case exists && since == nil, !exists && since != nil && now.Sub(since.Time) < s.Retain():
		return nil
	case exists:
		return store.PatchStatus(ctx, s.Client, newest, func(status *v1alpha1.WorkloadRevisionStatus) { status.WorkloadDeletedTime = nil })
	case since == nil:
		return store.PatchStatus(ctx, s.Client, newest, func(status *v1alpha1.WorkloadRevisionStatus) { status.WorkloadDeletedTime = &now })
	}
	exists, err = s.exists(ctx, s.Live, key)
	if err != nil {
		return err
	}
	if exists {
		return nil // The cache lagged.
	}
	for i := range h {
		if err := s.Client.Delete(ctx, &h[i]); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("deleting revision %s of a workload that is gone: %w", h[i].Name, err)
		}
	}
	return nil
}

func (s *Collector) exists(ctx context.Context, reader client.Reader, key types.NamespacedName) (bool, error) {
	err := reader.Get(ctx, key, &appsv1.Deployment{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for %s: %w", key, err)
	}
	return true, nil
}
