// Package audit judges the workloads that run already: when this process begins to lead, when the
// policies change, when a workload changes, and from time to time, since exemptions end and
// namespaces change. What it finds is a metric, and the condition Compliant of the live Revision;
// it makes no object and no Event.
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

const (
	// perSecond and atOnce bound how many workloads are judged: a change of policies in a cluster of a
	// thousand takes twenty seconds.
	perSecond, atOnce = 50, 50
	// again is when a workload is looked at without a reason to.
	again = 10 * time.Minute
	// untilReady is when it is tried again while the data of namespaces is not there yet.
	untilReady = time.Second
)

// Judge judges a stored Deployment by the policies in force.
type Judge interface {
	Judge(ctx context.Context, d *appsv1.Deployment) policy.Verdict
}

// Reconciler judges one workload at a time. It runs on the leader only.
type Reconciler struct {
	// Client reads from the cache and writes to the API server.
	Client client.Client
	Judge  Judge
	// Ready says why nothing can be judged yet; nil if it can.
	Ready func() error
	// Wanted says whether a namespace is one that Reprise works in.
	Wanted func(namespace string) bool
	// Changed tells that the policies in force are others.
	Changed <-chan event.GenericEvent
	Tally   *Tally
	Clock   clock.PassiveClock

	pace flowcontrol.RateLimiter
}

// SetupWithManager has the Reconciler called for every Deployment at the start and when it changes,
// and for all of them when the policies do.
func (r *Reconciler) SetupWithManager(manager ctrl.Manager) error {
	r.pace = flowcontrol.NewTokenBucketRateLimiter(perSecond, atOnce)
	changed := predicate.Or[client.Object](predicate.GenerationChangedPredicate{}, predicate.LabelChangedPredicate{}, predicate.AnnotationChangedPredicate{})
	return ctrl.NewControllerManagedBy(manager).Named("audit").
		For(&appsv1.Deployment{}, builder.WithPredicates(changed)).
		WatchesRawSource(source.Channel(r.Changed, handler.EnqueueRequestsFromMapFunc(r.all))).
		Complete(r)
}

// all are the Deployments of the cache.
func (r *Reconciler) all(ctx context.Context, _ client.Object) []reconcile.Request {
	var list appsv1.DeploymentList
	if err := r.Client.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		log.FromContext(ctx).Error(err, "Listing the workloads to judge by other policies; each is judged within ten minutes all the same")
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

// Reconcile judges one workload, counts what was found and notes it in its live Revision if that
// says otherwise.
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
		return reconcile.Result{}, nil // The process ends.
	}
	verdict := r.Judge.Judge(ctx, d)
	r.Tally.Note(request.NamespacedName, verdict)
	err = r.note(ctx, d, verdict)
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return reconcile.Result{RequeueAfter: untilReady}, nil // Someone else wrote it, and the cache lags.
	}
	return reconcile.Result{RequeueAfter: again}, err
}

// note writes the condition of the live Revision where it is another one. What is not recorded yet
// is judged as it is.
func (r *Reconciler) note(ctx context.Context, d *appsv1.Deployment, verdict policy.Verdict) error {
	h, err := store.List(ctx, r.Client, d.Namespace, d.Name)
	if err != nil {
		return err
	}
	live := h.Live(d)
	if live == nil {
		return nil
	}
	violations, told := Lines(verdict)
	if status := live.Status.DeepCopy(); !history.SetCompliant(status, violations, told, r.Clock.Now()) {
		return nil
	}
	return store.PatchStatus(ctx, r.Client, live, func(status *v1alpha1.WorkloadRevisionStatus) {
		history.SetCompliant(status, violations, told, r.Clock.Now())
	})
}

// Lines are what a verdict objects to, a line each; an error where it cannot be told.
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
