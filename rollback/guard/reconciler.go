// Package guard follows every rollout of a guarded workload. It judges it, saves the evidence of a failure, and restores the
// last healthy revision by what package rollback decides.
package guard

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/semaphore"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	controllerevent "sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/effective"
	"reprise.dev/reprise/event/emit"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/rollback"
	"reprise.dev/reprise/workload"
)

// judges is how many workloads are looked at while as many rollbacks as may be are under way: a wave of failures must
// not keep the others from being judged.
const judges = 14

// urgent is the priority in the queue of a workload that owes a rollback: what has failed comes before the judgement of
// the others, which in a wave of failures are hundreds.
const urgent = 1

// Namespaces knows what decides about a pod in a namespace.
type Namespaces interface {
	For(ctx context.Context, namespace string) effective.Namespace
}

// Reconciler follows every rollout of a guarded workload and rescues those that fail.
type Reconciler struct {
	// Client reads from the cache and writes to the API server.
	Client client.Client
	// Live reads from the API server: no rollback rests on a cache that lags.
	Live       client.Reader
	Core       Core
	Namespaces Namespaces
	Events     *emit.Writer
	// Observer counts what is done; nil means that nobody does.
	Observer Observer
	Clock    clock.PassiveClock
	// Defaults are the install's settings, as they are now.
	Defaults func() workload.Settings
	// Changed tells that they are others; nil where they stay.
	Changed <-chan controllerevent.GenericEvent
	// MaxConcurrent is how many rollbacks may be under way at once.
	MaxConcurrent int

	underway *semaphore.Weighted
}

// SetupWithManager has the Reconciler called for a workload whenever it, one of its Revisions, ReplicaSets or
// Pods changes.
func (r *Reconciler) SetupWithManager(ctx context.Context, manager ctrl.Manager) error {
	if err := manager.GetFieldIndexer().IndexField(ctx, &appsv1.ReplicaSet{}, deploymentField, deploymentOf); err != nil {
		return fmt.Errorf("indexing ReplicaSets: %w", err)
	}
	if r.Observer == nil {
		r.Observer = unobserved{}
	}
	r.underway = semaphore.NewWeighted(int64(r.MaxConcurrent))
	built := ctrl.NewControllerManagedBy(manager).Named("rollback").
		For(&appsv1.Deployment{}).
		Owns(&appsv1.ReplicaSet{}).
		Watches(&v1alpha1.WorkloadRevision{}, handler.EnqueueRequestsFromMapFunc(workloadOfRevision)).
		Watches(&corev1.Pod{}, handler.EnqueueRequestsFromMapFunc(r.workloadOfPod)).
		WithOptions(controller.Options{MaxConcurrentReconciles: r.MaxConcurrent + judges})
	if r.Changed != nil {
		built = built.WatchesRawSource(source.Channel(r.Changed, handler.EnqueueRequestsFromMapFunc(r.guarded)))
	}
	return built.Complete(r)
}

func workloadOfRevision(_ context.Context, object client.Object) []reconcile.Request {
	revision, ok := object.(*v1alpha1.WorkloadRevision)
	if !ok {
		return nil
	}
	key := client.ObjectKey{Namespace: revision.Namespace, Name: revision.Spec.WorkloadRef.Name}
	return []reconcile.Request{{NamespacedName: key}}
}

func (r *Reconciler) workloadOfPod(ctx context.Context, pod client.Object) []reconcile.Request {
	owner := metav1.GetControllerOf(pod)
	if owner == nil || owner.Kind != "ReplicaSet" {
		return nil
	}
	set := &appsv1.ReplicaSet{}
	if err := r.Client.Get(ctx, client.ObjectKey{Namespace: pod.GetNamespace(), Name: owner.Name}, set); err != nil {
		return nil // The ReplicaSet's own event brings the workload in.
	}
	if owner = metav1.GetControllerOf(set); owner == nil || owner.Kind != "Deployment" {
		return nil
	}
	key := client.ObjectKey{Namespace: pod.GetNamespace(), Name: owner.Name}
	return []reconcile.Request{{NamespacedName: key}}
}

// guarded are the workloads of the cache: each may wait for what the settings said before.
func (r *Reconciler) guarded(ctx context.Context, _ client.Object) []reconcile.Request {
	var list appsv1.DeploymentList
	if err := r.Client.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		log.FromContext(ctx).Error(err, "Listing the workloads that other settings may concern; each follows them at its next change")
		return nil
	}
	var requests []reconcile.Request
	for i := range list.Items {
		if workload.IsGuarded(&list.Items[i]) {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])})
		}
	}
	return requests
}

// Reconcile takes a workload one step on: it finishes a rollback that was written ahead, or judges the live
// revision, or decides about a failed one.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	d := &appsv1.Deployment{}
	if err := r.Client.Get(ctx, request.NamespacedName, d); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !workload.IsGuarded(d) {
		return ctrl.Result{}, nil
	}
	settings, err := store.Settings(ctx, r.Client, d, r.Defaults())
	if err != nil {
		return ctrl.Result{}, err
	}
	h, err := store.List(ctx, r.Client, d.Namespace, d.Name)
	if err != nil {
		return ctrl.Result{}, err
	}
	again, err := r.step(ctx, d, h, settings)
	result := ctrl.Result{RequeueAfter: again, Priority: new(priorityOf(h))}
	if apierrors.IsConflict(err) {
		result.RequeueAfter, err = 100*time.Millisecond, nil // What was read is old; the cache catches up.
	}
	return result, err
}

// priorityOf is the priority with which a workload is looked at again: 0 unless it owes a rollback.
func priorityOf(h history.History) int {
	newest := h.Newest()
	if h.OpenRollback() != nil || newest != nil && newest.Status.Phase == v1alpha1.PhaseFailed && newest.RollbackHold() == nil {
		return urgent
	}
	return 0
}

// step acts, and then tells. What cannot be told now is told later, and keeps nothing from being put back.
func (r *Reconciler) step(ctx context.Context, d *appsv1.Deployment, h history.History, s workload.Settings) (time.Duration, error) {
	again, err := r.next(ctx, d, h, s)
	return again, errors.Join(err, r.tellAll(ctx, d, h, s))
}

func (r *Reconciler) next(ctx context.Context, d *appsv1.Deployment, h history.History, s workload.Settings) (time.Duration, error) {
	if open := h.OpenRollback(); open != nil {
		return 0, r.resume(ctx, d, h, open)
	}
	newest := h.Newest()
	if newest == nil || history.RecordedIdentity(newest) != history.IdentityOf(d) {
		return 0, nil // The recorder comes first, and its Revision brings the workload back.
	}
	if wait, err := r.holdUndone(ctx, d, newest); err != nil || wait > 0 {
		return wait, err
	}
	if err := r.reply(ctx, d, rollback.AnswerRetry(h, d)); err != nil {
		return 0, err
	}
	decision, void := rollback.DecideRequest(h, d)
	if err := r.reply(ctx, d, void); err != nil {
		return 0, err
	}
	if decision.Action != rollback.None {
		return r.act(ctx, d, h, decision)
	}
	before := newest.Status.Phase
	again, err := r.judge(ctx, d, h, s)
	if err != nil || newest.Status.Phase != v1alpha1.PhaseFailed {
		return again, err
	}
	if before == v1alpha1.PhaseFailed {
		if err := r.refresh(ctx, h); err != nil {
			return 0, err
		}
	}
	return r.act(ctx, d, h, rollback.Decide(h, d, s, r.Clock.Now()))
}

// refresh puts in the place of a history out of a cache what the API server holds, whole: what is written and decided
// must not rest on a cache that lags. Where its newest revision is another one by now, that is a conflict.
func (r *Reconciler) refresh(ctx context.Context, h history.History) error {
	newest := h.Newest()
	live, err := store.List(ctx, r.Live, newest.Namespace, newest.Spec.WorkloadRef.Name)
	if err != nil {
		return err
	}
	if len(live) != len(h) || live.Newest().ResourceVersion != newest.ResourceVersion {
		return apierrors.NewConflict(v1alpha1.GroupVersion.WithResource("workloadrevisions").GroupResource(), newest.Name,
			errors.New("the cache does not hold the history of now"))
	}
	copy(h, live)
	return nil
}
