package rollback

import (
	"fmt"
	"regexp"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/test/harness/product"
	"reprise.dev/reprise/workload"
)

// state is what the API server holds of a workload.
type state struct {
	history history.History
	// deployment is nil where there is none.
	deployment *appsv1.Deployment
	files      []corev1.ConfigMap
	events     []corev1.Event
}

// look reads the state; it belongs to the test's own goroutine.
func (r *run) look() state {
	r.Helper()
	s, err := r.read()
	if err != nil {
		r.Fatal(err)
	}
	return s
}

func (r *run) read() (s state, err error) {
	if s.history, err = store.List(r.Context(), r.api, r.namespace, app); err != nil {
		return s, err
	}
	d := &appsv1.Deployment{}
	switch err := r.api.Get(r.Context(), client.ObjectKey{Namespace: r.namespace, Name: app}, d); {
	case err == nil:
		s.deployment = d
	case !apierrors.IsNotFound(err):
		return s, err
	}
	var files corev1.ConfigMapList
	var events corev1.EventList
	for _, list := range []client.ObjectList{&files, &events} {
		if err := r.api.List(r.Context(), list, client.InNamespace(r.namespace)); err != nil {
			return s, err
		}
	}
	s.files = slices.DeleteFunc(files.Items, func(c corev1.ConfigMap) bool { return !workload.IsFileName(c.Name) })
	s.events = slices.DeleteFunc(events.Items, func(e corev1.Event) bool { return e.Source.Component != "reprise" })
	return s, nil
}

// phases renders the history as "1 Healthy, 2 RolledBack".
func (s state) phases() string { return product.Phases(s.history) }

// aboutRevision is how an Event's message names a revision. The first one is the one that it is
// about.
var aboutRevision = regexp.MustCompile(`#\d+`)

func aboutOf(e corev1.Event) string { return aboutRevision.FindString(e.Message) }

// told is how often an event about a revision was told of one Deployment: made anew, it is another.
func (s state) told(reason v1alpha1.EventReason, about string) (most int32) {
	counts := map[types.UID]int32{}
	for _, e := range s.events {
		if e.Reason == string(reason) && aboutOf(e) == about {
			counts[e.InvolvedObject.UID] += e.Count
			most = max(most, counts[e.InvolvedObject.UID])
		}
	}
	return most
}

func (s state) hash() string { return workload.IntentOf(s.deployment).Hash() }

// contents are what the files hold, by their names.
func (s state) contents() map[string]string {
	all := map[string]string{}
	for _, f := range s.files {
		content, _ := history.FileContent(&f)
		all[f.Name] = string(content)
	}
	return all
}

// owners say who owns which field of an object, without the controllers of Kubernetes and without
// the settings and requests, whose owners a rollback leaves alone.
func owners(entries []metav1.ManagedFieldsEntry) []string {
	var all []string
	for _, e := range entries {
		if fields := deployed(e); e.Subresource == "" && e.Manager != "kube-controller-manager" && fields != "{}" {
			all = append(all, fmt.Sprintf("%s by %s: %s", e.Manager, e.Operation, fields))
		}
	}
	slices.Sort(all)
	return all
}

// deployed are the fields of an entry that are a deployer's, as JSON.
func deployed(e metav1.ManagedFieldsEntry) string {
	all, own := fieldpath.NewSet(), fieldpath.NewSet()
	if err := all.FromJSON(e.FieldsV1.GetRawReader()); err != nil {
		return err.Error()
	}
	all.Iterate(func(path fieldpath.Path) {
		if last := path[len(path)-1].FieldName; last == nil || !workload.IsReservedKey(*last) {
			own.Insert(path.Copy())
		}
	})
	encoded, err := own.ToJSON()
	if err != nil {
		return err.Error()
	}
	return string(encoded)
}

// owners are those of the Deployment and the files.
func (s state) owners() map[string][]string {
	all := map[string][]string{app: owners(s.deployment.ManagedFields)}
	for _, f := range s.files {
		all[f.Name] = owners(f.ManagedFields)
	}
	return all
}
