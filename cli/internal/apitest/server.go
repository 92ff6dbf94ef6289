// Package apitest serves an API server from memory, for tests of the plugin: objects, watches,
// patches, logs of pods, and errors on demand.
package apitest

import (
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
)

// Namespace is the namespace of the kubeconfig.
const Namespace = "shop"

// Version is the version that the server says to be.
const Version = "v1.35.0"

// kind is a kind that is served.
type kind struct {
	schema.GroupVersionKind
	plural     string
	namespaced bool
}

var kinds = []kind{
	{appsv1.SchemeGroupVersion.WithKind("Deployment"), "deployments", true},
	{appsv1.SchemeGroupVersion.WithKind("ReplicaSet"), "replicasets", true},
	{schema.GroupVersionKind{Version: "v1", Kind: "Pod"}, "pods", true},
	{schema.GroupVersionKind{Version: "v1", Kind: "Event"}, "events", true},
	{schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}, "configmaps", true},
	{schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}, "namespaces", false},
	{schema.GroupVersionKind{Version: "v1", Kind: "LimitRange"}, "limitranges", true},
	{schema.GroupVersionKind{Version: "v1", Kind: "ResourceQuota"}, "resourcequotas", true},
	{schema.GroupVersionKind{Version: "v1", Kind: "ServiceAccount"}, "serviceaccounts", true},
	{schema.GroupVersionKind{Group: "node.k8s.io", Version: "v1", Kind: "RuntimeClass"}, "runtimeclasses", false},
	{schema.GroupVersionKind{Group: "scheduling.k8s.io", Version: "v1", Kind: "PriorityClass"}, "priorityclasses", false},
	{schema.GroupVersionKind{Group: "coordination.k8s.io", Version: "v1", Kind: "Lease"}, "leases", true},
	{v1alpha1.GroupVersion.WithKind("WorkloadRevision"), "workloadrevisions", true},
}

// Server is an API server in memory. Its methods may be called concurrently.
type Server struct {
	http   *httptest.Server
	scheme *runtime.Scheme
	t      testing.TB

	lock     sync.Mutex
	version  int64
	objects  map[string]*unstructured.Unstructured // by plural/namespace/name
	watchers map[*watcher]bool
	failures map[string]failure // by verb and plural, such as "list pods"
	hooks    map[string]func()  // by verb and plural
	logs     map[string]*log    // by pod/container
	missing  map[string]bool    // groups that are not served
}

type failure struct {
	err   error
	times int // negative for always
}

// watcher is a watch that is open.
type watcher struct {
	plural, namespace string
	selects           func(*unstructured.Unstructured) bool
	events            chan watch.Event
	stop              chan struct{}
	stopped           bool
}

// New starts a server that ends with the test. It holds the namespace Namespace and what is given.
func New(t testing.TB, objects ...client.Object) *Server {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	s := &Server{
		scheme: scheme, t: t, objects: map[string]*unstructured.Unstructured{}, watchers: map[*watcher]bool{},
		failures: map[string]failure{}, hooks: map[string]func(){}, logs: map[string]*log{}, missing: map[string]bool{},
	}
	s.http = httptest.NewServer(s)
	t.Cleanup(s.Stop)
	namespace := &unstructured.Unstructured{}
	namespace.SetGroupVersionKind(schema.GroupVersionKind{Version: "v1", Kind: "Namespace"})
	namespace.SetName(Namespace)
	s.Put(namespace)
	for _, object := range objects {
		s.Put(object)
	}
	return s
}

// Stop closes all connections and ends the server.
func (s *Server) Stop() {
	s.BreakWatches()
	s.http.CloseClientConnections()
	s.http.Close()
}

// Kubeconfig writes a kubeconfig for the server and returns its path.
func (s *Server) Kubeconfig() string {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(s.config(), path); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// ClientConfig returns the kubeconfig as clients read it.
func (s *Server) ClientConfig() clientcmd.ClientConfig {
	return clientcmd.NewDefaultClientConfig(s.config(), &clientcmd.ConfigOverrides{})
}

func (s *Server) config() api.Config {
	return api.Config{
		Clusters:       map[string]*api.Cluster{"memory": {Server: s.http.URL}},
		Contexts:       map[string]*api.Context{"memory": {Cluster: "memory", Namespace: Namespace, AuthInfo: "tester"}},
		AuthInfos:      map[string]*api.AuthInfo{"tester": {Token: "none"}},
		CurrentContext: "memory",
	}
}

// Put stores an object, new or changed, and tells watches. An object without a namespace that needs
// one is put into Namespace.
func (s *Server) Put(object client.Object) {
	s.t.Helper()
	gvk := object.GetObjectKind().GroupVersionKind()
	if gvk.Empty() {
		found, _, err := s.scheme.ObjectKinds(object)
		if err != nil {
			s.t.Fatal(err)
		}
		gvk = found[0]
	}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		s.t.Fatal(err)
	}
	u := &unstructured.Unstructured{Object: fields}
	u.SetGroupVersionKind(gvk)
	k, found := kindOf(func(k kind) bool { return k.GroupVersionKind == gvk })
	if !found {
		s.t.Fatalf("%s is not served", gvk)
	}
	if k.namespaced && u.GetNamespace() == "" {
		u.SetNamespace(Namespace)
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	s.store(k.plural, u)
}

// Delete removes an object by plural, namespace and name, and tells watches.
func (s *Server) Delete(plural, namespace, name string) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if u := s.objects[key(plural, namespace, name)]; u != nil {
		delete(s.objects, key(plural, namespace, name))
		s.version++
		u.SetResourceVersion(strconv.FormatInt(s.version, 10))
		s.notify(plural, watch.Event{Type: watch.Deleted, Object: u})
	}
}

// Get reads an object into another, and fails the test where there is none.
func (s *Server) Get(plural, name string, into client.Object) {
	s.t.Helper()
	s.lock.Lock()
	u := s.objects[key(plural, Namespace, name)]
	s.lock.Unlock()
	if u == nil {
		s.t.Fatalf("there is no %s %s", plural, name)
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, into); err != nil {
		s.t.Fatal(err)
	}
}

// Fail answers requests, such as "list pods" or "watch events", by an error: as often as said,
// always if negative. The verbs are get, list, watch, patch, update and log; "version" stands for
// the server's version.
func (s *Server) Fail(request string, times int, err error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.failures[request] = failure{err: err, times: times}
}

// Before runs a function before each request, such as "patch deployments", is answered.
func (s *Server) Before(request string, run func()) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.hooks[request] = run
}

// Forbid answers requests for a resource by Forbidden.
func (s *Server) Forbid(verb, plural string) {
	k, _ := kindOf(func(k kind) bool { return k.plural == plural })
	s.Fail(verb+" "+plural, -1, apierrors.NewForbidden(schema.GroupResource{Group: k.Group, Resource: plural}, "", fmt.Errorf("user tester cannot %s resource %q", verb, plural)))
}

// Remove serves a group of kinds no more.
func (s *Server) Remove(group string) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.missing[group] = true
}

// BreakWatches ends all watches that are open, as an API server does after a while.
func (s *Server) BreakWatches() {
	s.lock.Lock()
	defer s.lock.Unlock()
	for w := range s.watchers {
		w.end()
	}
}

func (w *watcher) end() {
	if !w.stopped {
		w.stopped = true
		close(w.stop)
	}
}

func key(plural, namespace, name string) string { return plural + "/" + namespace + "/" + name }

func kindOf(is func(kind) bool) (kind, bool) {
	at := slices.IndexFunc(kinds, is)
	if at < 0 {
		return kind{}, false
	}
	return kinds[at], true
}

// store keeps an object and tells watches. The lock is held.
func (s *Server) store(plural string, u *unstructured.Unstructured) {
	at := key(plural, u.GetNamespace(), u.GetName())
	event := watch.Event{Type: watch.Added, Object: u}
	if s.objects[at] != nil {
		event.Type = watch.Modified
	}
	s.version++
	u.SetResourceVersion(strconv.FormatInt(s.version, 10))
	s.objects[at] = u
	s.notify(plural, event)
}

func (s *Server) notify(plural string, event watch.Event) {
	u := event.Object.(*unstructured.Unstructured)
	for w := range s.watchers {
		if w.plural == plural && (w.namespace == "" || w.namespace == u.GetNamespace()) && w.selects(u) {
			w.events <- watch.Event{Type: event.Type, Object: u.DeepCopy()}
		}
	}
}
