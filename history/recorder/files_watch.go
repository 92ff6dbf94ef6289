package recorder

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/workload"
)

// quiet is how long a workload's files must stay unchanged before their change becomes a revision:
// an apply writes several files, and the Deployment after them.
const quiet = 10 * time.Second

// unrecorded is how old a Deployment without any revision must be before what runs is recorded as
// after a gap: until then, the watch may bring its deploy.
const unrecorded = time.Minute

// FileWatcher finds what comes without a change of the Deployment, and requests its recording:
// changes of Score files, and a history that was deleted, as together with the
// CustomResourceDefinition. It watches only the metadata of ConfigMaps. It runs on the leader only.
type FileWatcher struct {
	// Client reads from the cache.
	Client   client.Reader
	Recorder *Recorder
	Clock    clock.PassiveClock
}

// SetupWithManager registers the FileWatcher, to be called for a workload whenever one of its files
// changes or one of its revisions is deleted.
func (w *FileWatcher) SetupWithManager(manager ctrl.Manager) error {
	named := predicate.NewPredicateFuncs(func(o client.Object) bool { return workload.IsFileName(o.GetName()) })
	return ctrl.NewControllerManagedBy(manager).Named("files").
		WatchesMetadata(&corev1.ConfigMap{}, handler.EnqueueRequestsFromMapFunc(w.users), builder.WithPredicates(named)).
		Watches(&v1alpha1.WorkloadRevision{}, handler.EnqueueRequestsFromMapFunc(workloadOfDeleted), builder.WithPredicates(deleted)).
		Complete(w)
}

// deleted passes on deletions only.
var deleted = predicate.Funcs{
	CreateFunc:  func(event.CreateEvent) bool { return false },
	UpdateFunc:  func(event.UpdateEvent) bool { return false },
	GenericFunc: func(event.GenericEvent) bool { return false },
}

// workloadOfDeleted returns the workload of a revision that was deleted.
func workloadOfDeleted(_ context.Context, object client.Object) []reconcile.Request {
	revision, ok := object.(*v1alpha1.WorkloadRevision)
	if !ok {
		return nil
	}
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: revision.Namespace, Name: revision.Spec.WorkloadRef.Name}}}
}

// users returns the workloads that mount a file.
func (w *FileWatcher) users(ctx context.Context, file client.Object) []reconcile.Request {
	var all appsv1.DeploymentList
	if err := w.Client.List(ctx, &all, client.InNamespace(file.GetNamespace()), client.UnsafeDisableDeepCopy); err != nil {
		return nil // The manager fills the cache before it starts the watch.
	}
	var requests []reconcile.Request
	for _, d := range all.Items {
		for _, used := range workload.FilesOf(&d.Spec.Template) {
			if used.ConfigMap == file.GetName() {
				requests = append(requests, reconcile.Request{NamespacedName: types.NamespacedName{Namespace: d.Namespace, Name: d.Name}})
				break
			}
		}
	}
	return requests
}

// Reconcile requests a snapshot of a workload's files once they have been quiet and differ from the
// newest revision's, or once the workload has no revision any more.
func (w *FileWatcher) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	d := &appsv1.Deployment{}
	if err := w.Client.Get(ctx, request.NamespacedName, d); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !workload.IsGuarded(d) || !w.Recorder.included(d.Namespace) {
		return ctrl.Result{}, nil
	}
	h, err := store.List(ctx, w.Client, d.Namespace, d.Name)
	if err != nil {
		return ctrl.Result{}, err
	}
	if len(h) == 0 && d.DeletionTimestamp == nil && w.Clock.Now().Sub(d.CreationTimestamp.Time) > unrecorded {
		return ctrl.Result{}, w.Recorder.RequestFileSnapshot(ctx, request.NamespacedName)
	}
	live := h.Live(history.IdentityOf(d))
	if live == nil {
		return ctrl.Result{RequeueAfter: quiet}, nil // The Deployment changed; its revision records the files too.
	}
	if live == h.OpenRollback() {
		return ctrl.Result{RequeueAfter: quiet}, nil // The rollback writes files itself, and the Deployment after them.
	}
	changed, last, err := w.changed(ctx, d, live)
	if err != nil || !changed {
		return ctrl.Result{}, err
	}
	if left := last.Add(quiet).Sub(w.Clock.Now()); left > 0 {
		return ctrl.Result{RequeueAfter: left}, nil
	}
	return ctrl.Result{}, w.Recorder.RequestFileSnapshot(ctx, request.NamespacedName)
}

// changed reports whether a file was written since the revision was recorded, and when the last one
// was.
func (w *FileWatcher) changed(ctx context.Context, d *appsv1.Deployment, newest *v1alpha1.WorkloadRevision) (bool, time.Time, error) {
	versions, foreign := map[string]string{}, sets.New[string]()
	for _, f := range newest.Spec.Files {
		if f.State == v1alpha1.FileForeign {
			foreign.Insert(f.ConfigMapName)
		}
		versions[f.ConfigMapName] = f.ResourceVersion
	}
	var changed bool
	var last time.Time
	for _, f := range workload.FilesOf(&d.Spec.Template) {
		if foreign.Has(f.ConfigMap) {
			continue
		}
		stored := &metav1.PartialObjectMetadata{}
		stored.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("ConfigMap"))
		err := w.Client.Get(ctx, client.ObjectKey{Namespace: d.Namespace, Name: f.ConfigMap}, stored)
		if client.IgnoreNotFound(err) != nil {
			return false, last, fmt.Errorf("reading file %s from the cache: %w", f.ConfigMap, err)
		}
		if err != nil || stored.ResourceVersion == versions[f.ConfigMap] {
			continue
		}
		changed = true
		for _, entry := range stored.ManagedFields {
			if entry.Time != nil && entry.Time.After(last) {
				last = entry.Time.Time
			}
		}
	}
	return changed, last, nil
}
