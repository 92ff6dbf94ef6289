package cluster

import (
	"context"
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/internal/config"
	"reprise.dev/reprise/story"
	"reprise.dev/reprise/workload"
)

// Workloads reads what is known of workloads: from the API server, or from a cache that watches
// keep up to date. It is not safe for concurrent use.
type Workloads struct {
	// api is the API server, which is asked for namespaces: the caller can seldom watch them.
	api client.Reader
	// from is where lists are read.
	from client.Reader
	// events is how Events are read.
	events eventSource
	// context is the context of the kubeconfig that commands in the output name.
	context string
	// annotations are those of the namespaces that were read.
	annotations map[string]map[string]string
	// install is the namespace in which Reprise is installed.
	install string
	// defaults are the install's settings; nil before they are read.
	defaults *workload.Settings
}

// NewWorkloads returns a reader of workloads from the API server.
func NewWorkloads(c *Connection) *Workloads {
	return &Workloads{api: c.API, from: c.API, events: eventsOfAPI, context: c.Context, annotations: map[string]map[string]string{}, install: c.Install}
}

// NewCachedWorkloads returns a reader of workloads from a cache. withEvents says whether the cache
// holds Reprise's Events.
func NewCachedWorkloads(c *Connection, cache client.Reader, withEvents bool) *Workloads {
	w := NewWorkloads(c)
	w.from, w.events = cache, noEvents
	if withEvents {
		w.events = eventsOfCache
	}
	return w
}

// ForgetNamespaces lets the annotations of namespaces, and the install's settings, be read again.
func (r *Workloads) ForgetNamespaces() {
	clear(r.annotations)
	r.defaults = nil
}

// Load returns all that is known of one workload, without Events. It reads the Deployment before
// its history, so that a deploy in between does not look recorded. The Deployment is nil where it
// is gone.
func (r *Workloads) Load(ctx context.Context, namespace, name string) (story.Workload, error) {
	w := story.Workload{Namespace: namespace, Name: name, Context: r.context, Deployment: &appsv1.Deployment{}}
	err := r.api.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, w.Deployment)
	if apierrors.IsNotFound(err) {
		w.Deployment, err = nil, nil
	}
	if err != nil {
		return w, Explain(err, namespace)
	}
	if w.History, err = store.List(ctx, r.api, namespace, name); err != nil {
		return w, Explain(err, namespace)
	}
	w.Settings, err = r.settings(ctx, w.Deployment, namespace)
	return w, err
}

// List returns the workloads of a namespace, or of all where it is empty, by namespace and name.
// Workloads that are gone are among them as long as their history is kept.
func (r *Workloads) List(ctx context.Context, namespace string) ([]story.Workload, error) {
	var deployments appsv1.DeploymentList
	if err := r.from.List(ctx, &deployments, client.InNamespace(namespace)); err != nil {
		return nil, Explain(err, namespace)
	}
	var revisions v1alpha1.WorkloadRevisionList
	if err := r.from.List(ctx, &revisions, client.InNamespace(namespace)); err != nil {
		return nil, Explain(err, namespace)
	}
	found := map[client.ObjectKey]*story.Workload{}
	of := func(key client.ObjectKey) *story.Workload {
		if found[key] == nil {
			found[key] = &story.Workload{Namespace: key.Namespace, Name: key.Name, Context: r.context}
		}
		return found[key]
	}
	for _, revision := range revisions.Items {
		w := of(client.ObjectKey{Namespace: revision.Namespace, Name: revision.Spec.WorkloadRef.Name})
		w.History = append(w.History, revision)
	}
	for i := range deployments.Items {
		d := &deployments.Items[i]
		if key := client.ObjectKeyFromObject(d); workload.IsGuarded(d) || found[key] != nil {
			of(key).Deployment = d
		}
	}
	return r.complete(ctx, found)
}

// ListWithEvents returns the workloads as List does, with what Events tell of admission.
func (r *Workloads) ListWithEvents(ctx context.Context, namespace string) ([]story.Workload, error) {
	workloads, err := r.List(ctx, namespace)
	if err != nil {
		return nil, err
	}
	return r.addEvents(ctx, namespace, workloads)
}

// complete orders workloads and adds their settings.
func (r *Workloads) complete(ctx context.Context, found map[client.ObjectKey]*story.Workload) ([]story.Workload, error) {
	keys := slices.SortedFunc(maps.Keys(found), func(a, b client.ObjectKey) int { return strings.Compare(a.String(), b.String()) })
	var all []story.Workload
	for _, key := range keys {
		w := found[key]
		history.Sort(w.History)
		var err error
		if w.Settings, err = r.settings(ctx, w.Deployment, w.Namespace); err != nil {
			return nil, err
		}
		all = append(all, *w)
	}
	return all, nil
}

// settings returns the settings of the workload, of its namespace and of the install. A caller who
// may not read the namespace does without its part.
func (r *Workloads) settings(ctx context.Context, d *appsv1.Deployment, namespace string) (workload.Settings, error) {
	defaults, err := r.readDefaults(ctx)
	if d == nil || err != nil {
		return defaults, err
	}
	if _, read := r.annotations[namespace]; !read {
		annotations, err := store.NamespaceAnnotations(ctx, r.api, namespace)
		if err != nil && !apierrors.IsForbidden(err) {
			return workload.Settings{}, Explain(err, namespace)
		}
		r.annotations[namespace] = annotations
	}
	settings, _ := workload.SettingsOf(d, r.annotations[namespace], defaults)
	return settings, nil
}

// readDefaults returns the settings of the install for a workload without annotations. They are
// those of an install that sets none where the install publishes none, or in a form that only a
// newer plugin reads.
func (r *Workloads) readDefaults(ctx context.Context) (workload.Settings, error) {
	if r.defaults != nil {
		return *r.defaults, nil
	}
	published := &corev1.ConfigMap{}
	err := r.api.Get(ctx, client.ObjectKey{Namespace: r.install, Name: v1alpha1.DefaultsConfigMap}, published)
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsForbidden(err) {
		return workload.Settings{}, Explain(err, r.install)
	}
	defaults := workload.DefaultSettings()
	if parsed, err := config.Parse([]byte(published.Data[v1alpha1.DefaultsKey])); err == nil {
		defaults = parsed.Defaults
	}
	r.defaults = &defaults
	return defaults, nil
}
