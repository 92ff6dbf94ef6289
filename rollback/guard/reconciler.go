// Package guard follows every rollout of a guarded workload. It assesses it, saves the evidence of
// a failure, and restores the last healthy revision by what package rollback decides.
package guard

import (
	"context"
	"errors"
	"fmt"
	"time"

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
	"reprise.dev/reprise/internal/fairqueue"
	"reprise.dev/reprise/rollback"
	"reprise.dev/reprise/workload"
)

// assessors is how many workloads are looked at while as many rollbacks as may be are under way: a
// wave of failures must not keep the others from being assessed.
const assessors = 14

// urgent is the priority in the queue of a workload that owes a rollback: what has failed comes
// before the assessment of the others, which in a wave of failures are hundreds.
const urgent = 1

// Namespaces knows what decides about a pod in a namespace.
type Namespaces interface {
	For(ctx context.Context, namespace string) effective.Namespace
}

// Auditor evaluates the active policies for a Deployment.
type Auditor interface {
	// Audit returns the violations, a line each. An error means that the policies could not be
	// evaluated.
	Audit(ctx context.Context, d *appsv1.Deployment) ([]string, error)
}

// Reconciler follows every rollout of a guarded workload and rolls back those that fail.
type Reconciler struct {
	// Client reads from the cache and writes to the API server.
	Client client.Client
	// Live reads from the API server: no rollback rests on a cache that lags.
	Live       client.Reader
	Core       Core
	Namespaces Namespaces
	Events     *emit.Writer
	// Auditor evaluates the revision that somebody requests: Reprise must not deploy for a person what
	// the policies deny.
	Auditor Auditor
	// Requests says whether rollbacks on request are allowed.
	Requests bool
	// Observer counts what is done; nil means that nobody does.
	Observer Observer
	Clock    clock.PassiveClock
	// Defaults are the install's settings, as they are now.
	Defaults func() workload.Settings
	// Changed tells that they are others; nil where they stay.
	Changed <-chan controllerevent.GenericEvent
	// MaxConcurrent is how many rollbacks may be under way at once.
	MaxConcurrent int

	// underway has the rollbacks that are under way, and looking the workloads that are looked at.
	underway *fairqueue.Share
	looking  *fairqueue.Limit
	// memories has what was seen of the rollouts that are followed.
	memories memories
}

// SetupWithManager has the Reconciler called for a workload whenever it, one of its revisions,
// ReplicaSets or Pods changes.
func (r *Reconciler) SetupWithManager(ctx context.Context, manager ctrl.Manager) error {
	if err := manager.GetFieldIndexer().IndexField(ctx, &appsv1.ReplicaSet{}, deploymentField, deploymentOf); err != nil {
		return fmt.Errorf("indexing ReplicaSets: %w", err)
	}
	r.init()
	built := ctrl.NewControllerManagedBy(manager).Named("rollback").
		For(&appsv1.Deployment{}).
		Owns(&appsv1.ReplicaSet{}).
		Watches(&v1alpha1.WorkloadRevision{}, handler.EnqueueRequestsFromMapFunc(workloadOfRevision)).
		Watches(&corev1.Pod{}, handler.EnqueueRequestsFromMapFunc(r.workloadOfPod)).
		WithOptions(controller.Options{MaxConcurrentReconciles: r.MaxConcurrent + assessors})
	if r.Changed != nil {
		built = built.WatchesRawSource(source.Channel(r.Changed, handler.EnqueueRequestsFromMapFunc(r.guarded)))
	}
	return built.Complete(r)
}

// init fills in what SetupWithManager does not ask its caller for.
func (r *Reconciler) init() {
	if r.Observer == nil {
		r.Observer = unobserved{}
	}
	r.underway = fairqueue.NewShare(r.MaxConcurrent, 3*turn)
	r.looking = fairqueue.NewLimit((r.MaxConcurrent + assessors) / 2)
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

// guarded returns the workloads of the cache: each may wait for what the settings said before.
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

// Reconcile takes a workload one step on: it finishes a rollback that was written ahead, or
// assesses the live revision, or decides about a failed one.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	if !r.looking.Enter(request.Namespace) {
		return ctrl.Result{RequeueAfter: turn}, nil // Others have the workers that are left.
	}
	defer r.looking.Leave(request.Namespace)
	return r.reconcile(ctx, request)
}

func (r *Reconciler) reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	d := &appsv1.Deployment{}
	if err := r.Client.Get(ctx, request.NamespacedName, d); err != nil {
		r.memories.forget(request.NamespacedName)
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !workload.IsGuarded(d) {
		r.memories.forget(request.NamespacedName)
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
	v, again, err := r.act(ctx, view{d: d, identity: history.IdentityOf(d), history: h, settings: settings})
	v = r.emitAll(ctx, v)
	if v.emitErr != nil {
		// An error would have the queue look later and later, and so keep something from being
		// restored.
		log.FromContext(ctx).Error(v.emitErr, "Writing Events; trying again", "after", emitAgain)
		again = sooner(again, emitAgain)
	}
	if apierrors.IsConflict(err) || err == nil && apierrors.IsConflict(v.emitErr) {
		again, err = sooner(again, catchUp), nil // What was read is old; the cache catches up.
	}
	return ctrl.Result{RequeueAfter: again, Priority: new(priorityOf(v.history))}, err
}

// sooner returns the shorter of two delays. Zero means never.
func sooner(a, b time.Duration) time.Duration {
	if a == 0 {
		return b
	}
	return min(a, b)
}

// priorityOf returns the priority with which a workload is looked at again: 0 unless it owes a
// rollback.
func priorityOf(h history.History) int {
	newest := h.Newest()
	if h.OpenRollback() != nil || newest != nil && newest.Status.Phase == v1alpha1.PhaseFailed && newest.RollbackHold() == nil {
		return urgent
	}
	return 0
}

// act does what is next: it finishes a rollback that is written ahead, answers requests, assesses
// the newest revision, or decides about a failed one. It returns when to look again.
func (r *Reconciler) act(ctx context.Context, v view) (view, time.Duration, error) {
	if open := v.history.OpenRollback(); open != nil {
		return r.resume(ctx, v, open)
	}
	if v.history.Live(v.identity) == nil {
		return v, 0, nil // The recorder comes first, and its Revision brings the workload back.
	}
	v, wait, err := r.holdWrittenAgain(ctx, v)
	if err != nil {
		return v, 0, err
	}
	if wait > 0 {
		return v, wait, nil
	}
	if v, err = r.reply(ctx, v, rollback.AnswerRetry(v.history, v.d)); err != nil {
		return v, 0, err
	}
	decision, void := rollback.DecideRequest(v.history, v.d, v.settings, r.Requests)
	if decision.Action == rollback.RollBack {
		why, err := r.denied(ctx, v, decision.Target)
		if err != nil {
			return v, 0, err
		}
		if why != "" {
			decision, void = rollback.Decision{}, rollback.Rejected(v.history.Newest(), decision.Request, why)
		}
	}
	if v, err = r.reply(ctx, v, void); err != nil {
		return v, 0, err
	}
	if decision.Action != rollback.None {
		return r.follow(ctx, v, decision)
	}
	before := v.history.Newest().Status.Phase
	v, again, err := r.assess(ctx, v)
	if err != nil {
		return v, 0, err
	}
	if v.history.Newest().Status.Phase != v1alpha1.PhaseFailed {
		return v, again, nil
	}
	if before == v1alpha1.PhaseFailed {
		if v, err = r.refresh(ctx, v); err != nil {
			return v, 0, err
		}
	}
	return r.follow(ctx, v, rollback.Decide(v.history, v.d, v.settings, r.Clock.Now()))
}

// refresh returns the view with the history as the API server holds it, whole: what is written and
// decided must not rest on a cache that lags. It returns a conflict if the history has another
// newest revision by now.
func (r *Reconciler) refresh(ctx context.Context, v view) (view, error) {
	newest := v.history.Newest()
	live, err := store.List(ctx, r.Live, newest.Namespace, newest.Spec.WorkloadRef.Name)
	if err != nil {
		return v, err
	}
	if len(live) != len(v.history) || live.Newest().ResourceVersion != newest.ResourceVersion {
		return v, apierrors.NewConflict(v1alpha1.GroupVersion.WithResource("workloadrevisions").GroupResource(), newest.Name,
			errors.New("the cache does not hold the current history"))
	}
	v.history = live
	return v, nil
}
