package rollback

import (
	"context"
	"errors"
	"net/http"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	logging "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/event/emit"
	"reprise.dev/reprise/history/recorder"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/rollback/guard"
	"reprise.dev/reprise/test/harness/faults"
	"reprise.dev/reprise/test/harness/product"
	"reprise.dev/reprise/workload"
)

// leader is one life of what a leader runs, wired as cmd/reprise does it, for one namespace.
type leader struct {
	*faults.Process
	manager ctrl.Manager
	guard   *guard.Reconciler
}

// lags are how late a leader's cache and its recorder are.
type lags struct{ cache, recorder faults.Lag }

// newLeader wires a leader; it does not run yet.
func newLeader(p *faults.Process, api client.Client, namespace string, late lags, says logr.Logger) (*leader, error) {
	own := p.Config(reprise, late.cache)
	manager, err := ctrl.NewManager(own, ctrl.Options{
		Scheme:         api.Scheme(),
		MapperProvider: func(*rest.Config, *http.Client) (meta.RESTMapper, error) { return api.RESTMapper(), nil },
		Logger:         says,
		Metrics:        server.Options{BindAddress: "0"},
		Controller:     config.Controller{SkipNameValidation: new(true)},
		Client:         client.Options{Cache: &client.CacheOptions{DisableFor: []client.Object{&corev1.Event{}}}},
		Cache: cache.Options{
			DefaultNamespaces: map[string]cache.Config{namespace: {}},
			ByObject: map[client.Object]cache.ByObject{
				&appsv1.Deployment{}:         {Transform: cache.TransformStripManagedFields()},
				&v1alpha1.WorkloadRevision{}: {Transform: store.Trim},
			},
		},
	})
	if err != nil {
		return nil, err
	}
	l := &leader{Process: p, manager: manager}
	return l, l.wire(own, namespace, late.recorder)
}

func (l *leader) wire(own *rest.Config, namespace string, late faults.Lag) error {
	clients, err := kubernetes.NewForConfig(own)
	if err != nil {
		return err
	}
	all, err := dynamic.NewForConfig(l.Config(reprise, late))
	if err != nil {
		return err
	}
	events := emit.NewWriter(l.manager.GetClient(), "rescue")
	recording := recorder.NewRecorder(&recorder.Recorder{
		Client: l.manager.GetClient(), Live: l.manager.GetAPIReader(), Dynamic: only{all, namespace}, Leases: clients.CoordinationV1(),
		Events: events, Auditor: silent{}, Clock: clock.RealClock{}, Defaults: workload.DefaultSettings, MaxPerMinute: func() int { return 1000 },
		Namespace: product.Namespace, Instance: instance(namespace),
	})
	files := &recorder.FileWatcher{Client: l.manager.GetClient(), Recorder: recording, Clock: clock.RealClock{}}
	l.guard = &guard.Reconciler{
		Client: l.manager.GetClient(), Live: l.manager.GetAPIReader(), Core: clients.CoreV1(), Namespaces: namespaces,
		Events: events, Clock: clock.RealClock{}, Defaults: workload.DefaultSettings, MaxConcurrent: 2, Auditor: silent{}, Requests: true,
	}
	byWorkload := func(o client.Object) []string {
		if r, ok := o.(*v1alpha1.WorkloadRevision); ok {
			return []string{r.Spec.WorkloadRef.Name}
		}
		return nil
	}
	return errors.Join(
		l.manager.GetFieldIndexer().IndexField(l.Context(), &v1alpha1.WorkloadRevision{}, store.WorkloadField, byWorkload),
		l.manager.Add(recording), files.SetupWithManager(l.manager), l.guard.SetupWithManager(l.Context(), l.manager),
	)
}

// instance names the install of a namespace, and its checkpoint: Reprise's account writes no Leases
// but its own.
func instance(namespace string) string { return product.Release + "-" + namespace }

// run runs a leader until it is killed.
func (l *leader) run() error {
	if err := l.manager.Start(logging.IntoContext(l.Context(), l.manager.GetLogger())); l.Context().Err() == nil {
		return errors.Join(errors.New("the leader ended by itself"), err)
	}
	return nil // What a killed process says at its end is of no interest.
}

// silent audits nothing.
type silent struct{}

// Audit implements recorder.Auditor.
func (silent) Audit(context.Context, *appsv1.Deployment) ([]string, error) { return nil, nil }

// only shows one namespace of the cluster.
type only struct {
	dynamic.Interface
	namespace string
}

// Resource implements dynamic.Interface.
func (o only) Resource(kind schema.GroupVersionResource) dynamic.NamespaceableResourceInterface {
	return onlyKind{o.Interface.Resource(kind), o.namespace}
}

type onlyKind struct {
	dynamic.NamespaceableResourceInterface
	namespace string
}

// List implements dynamic.ResourceInterface.
func (o onlyKind) List(ctx context.Context, options metav1.ListOptions) (*unstructured.UnstructuredList, error) {
	return o.Namespace(o.namespace).List(ctx, options)
}

// Watch implements dynamic.ResourceInterface.
func (o onlyKind) Watch(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
	return o.Namespace(o.namespace).Watch(ctx, options)
}
