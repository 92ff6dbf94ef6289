// Package fakeapi is an API server in memory, for fast tests of code that writes.
//
// It wraps controller-runtime's fake client, which keeps resourceVersions, field managers and the
// status subresource as the API server does, and adds what tests of a controller need: a log of all
// writes, writes that fail, answers that get lost, a process that is killed after its n-th write, a
// cache that lags, UIDs, generations and dry runs.
//
//	api := fakeapi.New(t, fakeapi.Options{Indexes: indexes}, deployment, revision)
//	subject := &Subject{Client: api.Cached(), Live: api.Client()}
//	api.Refuse(fakeapi.Nth(2, fakeapi.Conflict()))  // The second write is not stored.
//	api.Lose(fakeapi.Nth(1, errors.New("timeout"))) // The first is stored, its answer an error.
//	api.KillAfter(3)                // After three writes nothing more succeeds, until Revive.
//	api.Freeze()                    // Cached reads see what there is now, until Thaw.
//	api.Direct().Update(ctx, newer) // Somebody else writes: not logged, never refused.
//	api.Writes()                    // "update Deployment shop/web as reprise", …
//
// It validates nothing, fills in no defaults and admits everything. The dry run of a patch always
// succeeds. A patch or an apply that changes the generation is stored in two writes.
package fakeapi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	applyconfigurations "k8s.io/client-go/applyconfigurations"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history/store"
)

// Index makes objects findable by a field, for the API server and its cache alike. Revisions are
// findable by their workload without one.
type Index struct {
	Object client.Object
	Field  string
	Values client.IndexerFunc
}

// Options say how the API server and its cache behave.
type Options struct {
	Indexes []Index
}

// API is an API server in memory. Its zero value is of no use; New makes one. It may be used by
// several goroutines.
type API struct {
	scheme *runtime.Scheme
	direct client.WithWatch
	// indexes are those of Options and that of revisions.
	indexes []Index

	mu     sync.Mutex
	kinds  []schema.GroupVersionKind
	uids   int
	writes []Write
	refuse []func(Write) error
	lose   []func(Write) error
	// left is how many writes are stored before the process is killed, negative for no end.
	left   int
	frozen client.WithWatch
}

// ErrKilled is the error of every call after the process was killed.
var ErrKilled = errors.New("the process was killed")

// Scheme returns a scheme of the kinds that Reprise reads and writes, and no others: the fake
// client goes through all of them with every write.
func Scheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	for version, kinds := range map[schema.GroupVersion][]runtime.Object{
		corev1.SchemeGroupVersion: {
			&corev1.ConfigMap{}, &corev1.ConfigMapList{}, &corev1.Event{}, &corev1.EventList{}, &corev1.Namespace{}, &corev1.NamespaceList{},
			&corev1.Node{}, &corev1.NodeList{}, &corev1.Pod{}, &corev1.PodList{}, &corev1.Secret{}, &corev1.SecretList{},
		},
		appsv1.SchemeGroupVersion:         {&appsv1.Deployment{}, &appsv1.DeploymentList{}, &appsv1.ReplicaSet{}, &appsv1.ReplicaSetList{}},
		coordinationv1.SchemeGroupVersion: {&coordinationv1.Lease{}, &coordinationv1.LeaseList{}},
	} {
		scheme.AddKnownTypes(version, kinds...)
		metav1.AddToGroupVersion(scheme, version)
	}
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		panic(err) // It only registers types.
	}
	return scheme
}

// New returns an API server that holds objects. Those without a UID get one.
func New(t testing.TB, options Options, objects ...client.Object) *API {
	t.Helper()
	a := &API{scheme: Scheme(), left: -1}
	a.indexes = append([]Index{{Object: &v1alpha1.WorkloadRevision{}, Field: store.WorkloadField, Values: workloadOf}}, options.Indexes...)
	builder := a.builder().WithTypeConverters(converters()...).WithGlobalResourceVersionCounter().WithReturnManagedFields()
	a.direct = builder.Build()
	for _, o := range objects {
		if err := a.Direct().Create(t.Context(), o.DeepCopyObject().(client.Object)); err != nil {
			t.Fatalf("creating %T %s: %v", o, o.GetName(), err)
		}
	}
	return a
}

// converters know the fields of each kind. To parse them takes longer than most tests.
var converters = sync.OnceValue(func() []managedfields.TypeConverter {
	return []managedfields.TypeConverter{applyconfigurations.NewTypeConverter(clientgoscheme.Scheme), managedfields.NewDeducedTypeConverter()}
})

func (a *API) builder() *fake.ClientBuilder {
	builder := fake.NewClientBuilder().WithScheme(a.scheme).WithStatusSubresource(&v1alpha1.WorkloadRevision{})
	for _, i := range a.indexes {
		builder = builder.WithIndex(i.Object, i.Field, i.Values)
	}
	return builder
}

func workloadOf(object client.Object) []string {
	r, ok := object.(*v1alpha1.WorkloadRevision)
	if !ok {
		return nil
	}
	return []string{r.Spec.WorkloadRef.Name}
}

// Direct returns the client of somebody else: what it writes is neither logged nor refused.
func (a *API) Direct() client.WithWatch {
	return interceptor.NewClient(a.direct, a.writing(func(_ Write, store func() error) error { return store() }))
}

// Client returns the client of the process under test. It reads what is stored.
func (a *API) Client() client.WithWatch {
	funcs := a.process()
	funcs.Get = a.get
	funcs.List = a.list
	return interceptor.NewClient(a.direct, funcs)
}

// process returns the writes of the process under test. As the API server does, they drop the
// status of a revision that is created.
func (a *API) process() interceptor.Funcs {
	funcs := a.writing(a.write)
	create := funcs.Create
	funcs.Create = func(ctx context.Context, c client.WithWatch, object client.Object, opts ...client.CreateOption) error {
		if r, ok := object.(*v1alpha1.WorkloadRevision); ok {
			r.Status = v1alpha1.WorkloadRevisionStatus{}
		}
		return create(ctx, c, object, opts...)
	}
	return funcs
}

// Refuse has writes fail for which a function returns an error: they are not stored.
func (a *API) Refuse(fails func(Write) error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refuse = append(a.refuse, fails)
}

// Lose has writes stored, and their answers lost: the caller gets the error instead.
func (a *API) Lose(fails func(Write) error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lose = append(a.lose, fails)
}

// KillAfter has n more writes stored. Every call after them returns ErrKilled, until Revive.
func (a *API) KillAfter(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.left = n
}

// Revive ends what KillAfter, Refuse and Lose began.
func (a *API) Revive() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.left, a.refuse, a.lose = -1, nil, nil
}

// Writes returns the writes that were stored since New or the last Forget, dry runs included.
func (a *API) Writes() []Write {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.writes)
}

// Forget empties the log of writes.
func (a *API) Forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.writes = nil
}

// write does one write of the process under test, or has it fail.
func (a *API) write(w Write, store func() error) error {
	a.mu.Lock()
	killed, refuse, lose := a.left == 0, slices.Clone(a.refuse), slices.Clone(a.lose)
	a.mu.Unlock()
	if killed {
		return ErrKilled
	}
	for _, fails := range refuse { // They may write themselves, so no lock is held.
		if err := fails(w); err != nil {
			return err
		}
	}
	if err := store(); err != nil {
		return err
	}
	a.mu.Lock()
	a.writes = append(a.writes, w)
	if a.left > 0 && !w.DryRun {
		a.left--
	}
	a.mu.Unlock()
	for _, fails := range lose {
		if err := fails(w); err != nil {
			return err
		}
	}
	return nil
}

func (a *API) alive() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.left == 0 {
		return ErrKilled
	}
	return nil
}

// Create stores objects directly, and fails the test where one cannot be.
func (a *API) Create(t testing.TB, objects ...client.Object) {
	t.Helper()
	for _, o := range objects {
		if err := a.Direct().Create(t.Context(), o); err != nil {
			t.Fatalf("creating %T %s: %v", o, o.GetName(), err)
		}
	}
}

// Load reads what is stored of an object, and fails the test where it is not there.
func Load[T client.Object](t testing.TB, a *API, object T) T {
	t.Helper()
	stored := object.DeepCopyObject().(T)
	if err := a.direct.Get(t.Context(), client.ObjectKeyFromObject(object), stored); err != nil {
		t.Fatalf("reading %T %s: %v", object, object.GetName(), err)
	}
	return stored
}

// Change changes a stored object directly, under a field manager, and returns it as it is stored
// then.
func Change[T client.Object](t testing.TB, a *API, object T, manager string, change func(T)) T {
	t.Helper()
	stored := Load(t, a, object)
	change(stored)
	if err := a.Direct().Update(t.Context(), stored, client.FieldOwner(manager)); err != nil {
		t.Fatalf("changing %T %s: %v", object, object.GetName(), err)
	}
	return stored
}

// ChangeStatus changes the status of a stored object directly, as a controller of Kubernetes, and
// returns the object as it is stored then.
func ChangeStatus[T client.Object](t testing.TB, a *API, object T, change func(T)) T {
	t.Helper()
	stored := Load(t, a, object)
	change(stored)
	if err := a.direct.Status().Update(t.Context(), stored, client.FieldOwner("kube-controller-manager")); err != nil {
		t.Fatalf("changing the status of %T %s: %v", object, object.GetName(), err)
	}
	return stored
}

// noteKind remembers that objects of a kind may be stored, for Freeze.
func (a *API) noteKind(object runtime.Object) {
	kind, err := apiutil.GVKForObject(object, a.scheme)
	if err != nil {
		return // The fake client says so itself.
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !slices.Contains(a.kinds, kind) {
		a.kinds = append(a.kinds, kind)
	}
}

func (a *API) uid() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.uids++
	return fmt.Sprintf("uid-%d", a.uids)
}
