// Package audit evaluates the running workloads with the active policies: when this process becomes
// the leader, when the policies or a workload change, and periodically, since exemptions expire and
// namespaces change. It reports violations in metrics and in the condition Compliant of the live
// revision. It writes no object and no Event.
package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/policy"
	"reprise.dev/reprise/workload"
)

// perSecond and atOnce limit how many workloads are evaluated: a change of policies in a cluster of
// a thousand workloads takes twenty seconds.
const (
	// perSecond and atOnce bound how many workloads are evaluated: a change of policies in a
	// cluster of a thousand takes twenty seconds.
	perSecond, atOnce = 50, 50
	// again is the period between evaluations of a workload without a change.
	again = 10 * time.Minute
	// untilReady is the delay before a retry while the data of namespaces is not available.
	untilReady = time.Second
)

// Evaluator evaluates a stored Deployment with the active policies.
type Evaluator interface {
	Evaluate(ctx context.Context, d *appsv1.Deployment) policy.Verdict
}

// Reconciler evaluates one workload at a time. It runs on the leader only.
type Reconciler struct {
	// Client reads from the cache and writes to the API server.
	Client    client.Client
	Evaluator Evaluator
	// Ready returns why nothing can be evaluated; nil if it can.
	Ready func() error
	// Wanted reports whether Reprise works in a namespace.
	Wanted func(namespace string) bool
	// Changed signals that the active policies changed.
	Changed <-chan event.GenericEvent
	Tally   *Tally
	Clock   clock.PassiveClock

	pace flowcontrol.RateLimiter
}

// SetupWithManager registers the Reconciler for every Deployment at the start and when it changes,
// and for all of them when the policies change.
func (r *Reconciler) SetupWithManager(manager ctrl.Manager) error {
	r.pace = flowcontrol.NewTokenBucketRateLimiter(perSecond, atOnce)
	changed := predicate.Or[client.Object](predicate.GenerationChangedPredicate{}, predicate.LabelChangedPredicate{}, predicate.AnnotationChangedPredicate{})
	return ctrl.NewControllerManagedBy(manager).Named("audit").
		For(&appsv1.Deployment{}, builder.WithPredicates(changed)).
		WatchesRawSource(source.Channel(r.Changed, handler.EnqueueRequestsFromMapFunc(r.all))).
		Complete(r)
}

// all returns a request for each managed Deployment in the cache.
func (r *Reconciler) all(ctx context.Context, _ client.Object) []reconcile.Request {
	var list appsv1.DeploymentList
	if err := r.Client.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		log.FromContext(ctx).Error(err, "Listing the workloads to evaluate with changed policies; each is evaluated within ten minutes")
		return nil
	}
	requests := make([]reconcile.Request, 0, len(list.Items))
	for i := range list.Items {
		if workload.IsManaged(&list.Items[i]) {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])})
		}
	}
	return requests
}

// Reconcile evaluates one workload, counts its violations and updates the condition of its live
// revision.
func (r *Reconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	d := &appsv1.Deployment{}
	err := r.Client.Get(ctx, request.NamespacedName, d)
	if client.IgnoreNotFound(err) != nil {
		return reconcile.Result{}, fmt.Errorf("reading %s: %w", request, err)
	}
	if err != nil || !workload.IsManaged(d) || !r.Wanted(d.Namespace) {
		r.Tally.Forget(request.NamespacedName)
		return reconcile.Result{}, nil
	}
	if r.Ready() != nil {
		return reconcile.Result{RequeueAfter: untilReady}, nil
	}
	if err := r.pace.Wait(ctx); err != nil {
		return reconcile.Result{}, nil // The process stops.
	}
	verdict := r.Evaluator.Evaluate(ctx, d)
	r.Tally.Note(request.NamespacedName, verdict)
	err = r.note(ctx, d, verdict)
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return reconcile.Result{RequeueAfter: untilReady}, nil // Someone else wrote it, and the cache lags.
	}
	return reconcile.Result{RequeueAfter: again}, err
}

// note updates the condition of the live revision. It does nothing where no revision is recorded.
func (r *Reconciler) note(ctx context.Context, d *appsv1.Deployment, verdict policy.Verdict) error {
	h, err := store.List(ctx, r.Client, d.Namespace, d.Name)
	if err != nil {
		return err
	}
	live := h.Live(history.IdentityOf(d))
	if live == nil {
		return nil
	}
	violations, unknown := Lines(verdict)
	if status := live.Status.DeepCopy(); !history.SetCompliant(status, violations, unknown, r.Clock.Now()) {
		return nil
	}
	return store.PatchStatus(ctx, r.Client, live, func(status *v1alpha1.WorkloadRevisionStatus) {
		history.SetCompliant(status, violations, unknown, r.Clock.Now())
	})
}

// Lines returns the violations of a verdict, a line each, or an error if the verdict is unknown.
func Lines(v policy.Verdict) ([]string, error) {
	var lines []string
	for _, violation := range v.Violations {
		lines = append(lines, violation.Line())
	}
	if len(lines) > 0 || v.Decision != policy.Unknown {
		return lines, nil
	}
	var failures []error
	for _, failure := range v.Errors {
		failures = append(failures, errors.New(failure.Line()))
	}
	return nil, errors.Join(failures...)
}
