// Package redact removes from Revisions what must not be kept, such as a credential, where somebody
// with the right to it asks by an annotation.
package redact

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/history/store"
)

// Reconciler redacts the Revisions with the annotation. It runs on the leader only, also for
// workloads that are deleted.
type Reconciler struct {
	// Client writes to the API server.
	Client client.Client
	// Live reads from the API server: a cache does not hold what is redacted.
	Live  client.Reader
	Clock clock.PassiveClock
}

// SetupWithManager has the Reconciler called for each Revision with the annotation.
func (r *Reconciler) SetupWithManager(manager ctrl.Manager) error {
	asked := predicate.NewPredicateFuncs(func(o client.Object) bool { return o.GetAnnotations()[v1alpha1.RedactAnnotation] != "" })
	return ctrl.NewControllerManagedBy(manager).Named("redact").
		For(&v1alpha1.WorkloadRevision{}, builder.WithPredicates(asked)).
		Complete(r)
}

// Reconcile redacts a Revision, and before it what others say of it. The condition Redacted comes
// last, so that the next leader continues.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	named := &v1alpha1.WorkloadRevision{ObjectMeta: metav1.ObjectMeta{Namespace: request.Namespace, Name: request.Name}}
	revision, err := store.Load(ctx, r.Live, named)
	if err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	reason := revision.Annotations[v1alpha1.RedactAnnotation]
	if reason == "" || meta.IsStatusConditionTrue(revision.Status.Conditions, v1alpha1.ConditionRedacted) || !revision.IsRecorded() {
		return ctrl.Result{}, nil
	}
	h, err := store.List(ctx, r.Live, revision.Namespace, revision.Spec.WorkloadRef.Name)
	if err != nil {
		return ctrl.Result{}, err
	}
	for i := range h {
		if err := r.redactReferences(ctx, &h[i], revision); err != nil {
			return ctrl.Result{}, err
		}
	}
	base := revision.DeepCopy()
	history.Redact(revision)
	if err := r.patch(ctx, revision, base); err != nil {
		return ctrl.Result{}, err
	}
	err = store.PatchStatus(ctx, r.Client, revision, func(s *v1alpha1.WorkloadRevisionStatus) {
		history.RedactStatus(s, reason, r.Clock.Now())
	})
	if err != nil {
		return ctrl.Result{}, err
	}
	log.FromContext(ctx).Info("Redacted a revision", "revision", revision.Name, "reason", reason)
	return ctrl.Result{}, nil
}

// redactReferences removes from a revision what it says of the redacted one.
func (r *Reconciler) redactReferences(ctx context.Context, other, redacted *v1alpha1.WorkloadRevision) error {
	base := other.DeepCopy()
	spec, status := history.RedactReferences(other, redacted)
	if spec {
		failure := other.Status.Failure
		if err := r.patch(ctx, other, base); err != nil {
			return err
		}
		other.Status.Failure = failure
		base.ResourceVersion = other.ResourceVersion
	}
	if !status {
		return nil
	}
	stored := base.DeepCopy()
	return store.PatchStatus(ctx, r.Client, stored, func(s *v1alpha1.WorkloadRevisionStatus) { s.Failure = other.Status.Failure })
}

// patch writes what differs from base, for the resourceVersion that was read.
func (r *Reconciler) patch(ctx context.Context, revision, base *v1alpha1.WorkloadRevision) error {
	if err := r.Client.Patch(ctx, revision, client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{})); err != nil {
		return fmt.Errorf("redacting revision %s: %w", revision.Name, err)
	}
	return nil
}
