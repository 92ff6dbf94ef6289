// Package apitest serves an API server from memory, for tests of the plugin: objects, watches, patches, logs of pods, and
// errors on demand.
package apitest

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
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

// Put stores an object, new or changed, and tells watches. An object without a namespace that needs one is put into
// Namespace.
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

// Fail answers requests, such as "list pods" or "watch events", by an error: as often as said, always if negative. The
// verbs are get, list, watch, patch, update and log; "version" stands for the server's version.
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

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case parts[0] == "version":
		if err := s.fails("version"); err != nil {
			reply(w, nil, err)
			return
		}
		reply(w, map[string]string{"major": "1", "minor": "35", "gitVersion": Version}, nil)
	case parts[0] == "api" && len(parts) == 1:
		reply(w, &metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions", APIVersion: "v1"}, Versions: []string{"v1"}}, nil)
	case parts[0] == "apis" && len(parts) == 1:
		reply(w, s.groups(), nil)
	case parts[0] == "api" && len(parts) == 2:
		reply(w, s.resources(schema.GroupVersion{Version: parts[1]}), nil)
	case parts[0] == "apis" && len(parts) == 2:
		s.group(w, parts[1])
	case parts[0] == "apis" && len(parts) == 3:
		list := s.resources(schema.GroupVersion{Group: parts[1], Version: parts[2]})
		if len(list.APIResources) == 0 {
			reply(w, nil, apierrors.NewGenericServerResponse(http.StatusNotFound, "get", schema.GroupResource{}, "", "", 0, true))
			return
		}
		reply(w, list, nil)
	case parts[0] == "api":
		s.serve(w, r, "", parts[2:])
	case parts[0] == "apis" && len(parts) > 3:
		s.serve(w, r, parts[1], parts[3:])
	default:
		http.NotFound(w, r)
	}
}

func (s *Server) served() []kind {
	s.lock.Lock()
	defer s.lock.Unlock()
	return slices.DeleteFunc(slices.Clone(kinds), func(k kind) bool { return s.missing[k.Group] })
}

func (s *Server) groups() *metav1.APIGroupList {
	list := &metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}}
	names := map[string]metav1.APIGroup{}
	for _, k := range s.served() {
		if k.Group != "" {
			version := metav1.GroupVersionForDiscovery{GroupVersion: k.GroupVersion().String(), Version: k.Version}
			names[k.Group] = metav1.APIGroup{Name: k.Group, Versions: []metav1.GroupVersionForDiscovery{version}, PreferredVersion: version}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		list.Groups = append(list.Groups, names[name])
	}
	return list
}

func (s *Server) group(w http.ResponseWriter, name string) {
	for _, group := range s.groups().Groups {
		if group.Name == name {
			group.TypeMeta = metav1.TypeMeta{Kind: "APIGroup", APIVersion: "v1"}
			reply(w, group, nil)
			return
		}
	}
	reply(w, nil, apierrors.NewGenericServerResponse(http.StatusNotFound, "get", schema.GroupResource{}, "", "", 0, true))
}

func (s *Server) resources(gv schema.GroupVersion) *metav1.APIResourceList {
	list := &metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: gv.String()}
	for _, k := range s.served() {
		if k.GroupVersion() == gv {
			list.APIResources = append(list.APIResources, metav1.APIResource{
				Name: k.plural, Namespaced: k.namespaced, Kind: k.Kind, Verbs: metav1.Verbs{"get", "list", "watch", "patch", "update"},
			})
		}
	}
	return list
}

// serve answers requests for objects: [namespaces, NAMESPACE,] PLURAL [, NAME [, log]].
func (s *Server) serve(w http.ResponseWriter, r *http.Request, group string, parts []string) {
	namespace := ""
	if parts[0] == "namespaces" && len(parts) > 2 {
		namespace, parts = parts[1], parts[2:]
	}
	plural, name := parts[0], ""
	if len(parts) > 1 {
		name = parts[1]
	}
	query := r.URL.Query()
	verb := map[string]string{http.MethodGet: "get", http.MethodPatch: "patch", http.MethodPut: "update"}[r.Method]
	switch {
	case len(parts) > 2:
		verb = parts[2]
	case verb == "get" && query.Get("watch") != "":
		verb = "watch"
	case verb == "get" && name == "":
		verb = "list"
	}
	s.lock.Lock()
	before := s.hooks[verb+" "+plural]
	s.lock.Unlock()
	if before != nil {
		before()
	}
	if err := s.fails(verb + " " + plural); err != nil {
		reply(w, nil, err)
		return
	}
	k, found := kindOf(func(k kind) bool { return k.plural == plural && k.Group == group })
	if !found {
		reply(w, nil, apierrors.NewGenericServerResponse(http.StatusNotFound, verb, schema.GroupResource{}, "", "", 0, true))
		return
	}
	switch verb {
	case "get":
		object, err := s.get(k, namespace, name)
		reply(w, object, err)
	case "list":
		s.list(w, r, k, namespace)
	case "watch":
		s.watch(w, r, k, namespace)
	case "patch", "update":
		body, err := io.ReadAll(r.Body)
		if err != nil {
			reply(w, nil, err)
			return
		}
		object, err := s.write(k, namespace, name, types.PatchType(r.Header.Get("Content-Type")), body, query.Get("dryRun") != "")
		reply(w, object, err)
	case "log":
		s.serveLog(w, r, name)
	default:
		http.Error(w, r.Method, http.StatusMethodNotAllowed)
	}
}

func (s *Server) fails(request string) error {
	s.lock.Lock()
	defer s.lock.Unlock()
	f, found := s.failures[request]
	if !found || f.times == 0 {
		return nil
	}
	f.times--
	s.failures[request] = f
	return f.err
}

func (s *Server) get(k kind, namespace, name string) (*unstructured.Unstructured, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	u := s.objects[key(k.plural, namespace, name)]
	if u == nil {
		return nil, apierrors.NewNotFound(schema.GroupResource{Group: k.Group, Resource: k.plural}, name)
	}
	return u.DeepCopy(), nil
}

// matching returns what a request's selectors select.
func matching(r *http.Request) (func(*unstructured.Unstructured) bool, error) {
	byLabel, err := labels.Parse(r.URL.Query().Get("labelSelector"))
	if err != nil {
		return nil, err
	}
	byField, err := fields.ParseSelector(r.URL.Query().Get("fieldSelector"))
	if err != nil {
		return nil, err
	}
	return func(u *unstructured.Unstructured) bool {
		for _, requirement := range byField.Requirements() {
			value, _, _ := unstructured.NestedString(u.Object, strings.Split(requirement.Field, ".")...)
			if value != requirement.Value {
				return false
			}
		}
		return byLabel.Matches(labels.Set(u.GetLabels()))
	}, nil
}

// selected returns the objects of a kind that a request selects, by name. The lock is held.
func (s *Server) selected(k kind, namespace string, selects func(*unstructured.Unstructured) bool) []*unstructured.Unstructured {
	var items []*unstructured.Unstructured
	for _, at := range slices.Sorted(maps.Keys(s.objects)) {
		u := s.objects[at]
		if strings.HasPrefix(at, k.plural+"/") && (namespace == "" || u.GetNamespace() == namespace) && selects(u) {
			items = append(items, u.DeepCopy())
		}
	}
	return items
}

func (s *Server) list(w http.ResponseWriter, r *http.Request, k kind, namespace string) {
	selects, err := matching(r)
	if err != nil {
		reply(w, nil, apierrors.NewBadRequest(err.Error()))
		return
	}
	s.lock.Lock()
	items, version := s.selected(k, namespace, selects), s.version
	s.lock.Unlock()
	list := map[string]any{
		"apiVersion": k.GroupVersion().String(), "kind": k.Kind + "List",
		"metadata": map[string]any{"resourceVersion": strconv.FormatInt(version, 10)}, "items": items,
	}
	if items == nil {
		list["items"] = []any{}
	}
	if strings.Contains(r.Header.Get("Accept"), "as=PartialObjectMetadataList") {
		list["apiVersion"], list["kind"] = "meta.k8s.io/v1", "PartialObjectMetadataList"
	}
	reply(w, list, nil)
}

// watch sends what is there, if the request asks for it, and then each change.
func (s *Server) watch(w http.ResponseWriter, r *http.Request, k kind, namespace string) {
	if r.URL.Query().Get("sendInitialEvents") != "" {
		// Clients fall back to a list and a watch.
		reply(w, nil, apierrors.NewInvalid(k.GroupKind(), "", nil))
		return
	}
	selects, err := matching(r)
	if err != nil {
		reply(w, nil, apierrors.NewBadRequest(err.Error()))
		return
	}
	from, _ := strconv.ParseInt(r.URL.Query().Get("resourceVersion"), 10, 64)
	watching := &watcher{plural: k.plural, namespace: namespace, selects: selects, events: make(chan watch.Event, 1000), stop: make(chan struct{})}
	s.lock.Lock()
	for _, u := range s.selected(k, namespace, selects) { // What changed between the list and this watch.
		if version, _ := strconv.ParseInt(u.GetResourceVersion(), 10, 64); from > 0 && version > from {
			watching.events <- watch.Event{Type: watch.Modified, Object: u}
		}
	}
	s.watchers[watching] = true
	s.lock.Unlock()
	defer func() {
		s.lock.Lock()
		defer s.lock.Unlock()
		delete(s.watchers, watching)
	}()
	w.Header().Set("Content-Type", "application/json")
	flush(w)
	for encoder := json.NewEncoder(w); ; flush(w) {
		select {
		case <-r.Context().Done():
			return
		case <-watching.stop:
			return
		case event := <-watching.events:
			if err := encoder.Encode(map[string]any{"type": event.Type, "object": event.Object}); err != nil {
				return
			}
		}
	}
}

func flush(w http.ResponseWriter) { w.(http.Flusher).Flush() }

// write patches or replaces an object.
func (s *Server) write(k kind, namespace, name string, patchType types.PatchType, body []byte, dryRun bool) (*unstructured.Unstructured, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	before := s.objects[key(k.plural, namespace, name)]
	if before == nil {
		return nil, apierrors.NewNotFound(schema.GroupResource{Group: k.Group, Resource: k.plural}, name)
	}
	original, err := json.Marshal(before)
	if err != nil {
		return nil, err
	}
	changed := body
	switch patchType {
	case types.StrategicMergePatchType:
		changed, err = strategicpatch.StrategicMergePatch(original, body, appsv1.Deployment{})
	case types.MergePatchType, types.ApplyPatchType:
		changed, err = jsonpatch.MergePatch(original, body)
	}
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	after := &unstructured.Unstructured{}
	if err := json.Unmarshal(changed, &after.Object); err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	if wanted := after.GetResourceVersion(); wanted != "" && wanted != before.GetResourceVersion() {
		return nil, apierrors.NewConflict(schema.GroupResource{Group: k.Group, Resource: k.plural}, name, fmt.Errorf("the object was changed"))
	}
	after.SetUID(before.GetUID())
	if !dryRun {
		s.store(k.plural, after)
	}
	return after.DeepCopy(), nil
}

// reply writes an object or an error as the API server does.
func reply(w http.ResponseWriter, object any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		status := apierrors.NewInternalError(err).Status()
		var known apierrors.APIStatus
		if asStatus(err, &known) {
			status = known.Status()
		}
		status.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
		w.WriteHeader(int(status.Code))
		object = status
	}
	_ = json.NewEncoder(w).Encode(object) // The client has gone.
}
