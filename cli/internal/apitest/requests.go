package apitest

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/apimachinery/pkg/watch"
)

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
