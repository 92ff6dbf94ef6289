package command

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/story"
	"reprise.dev/reprise/workload"
)

// kinds are how a workload's kind may be written before a slash.
var kinds = []string{"deploy", "deployment", "deployments", "deployment.apps", "deployments.apps"}

// nameOf is the name in an argument: name, deploy/name or deployment/name.
func nameOf(argument string) (string, error) {
	kind, name, found := strings.Cut(argument, "/")
	if !found {
		return argument, nil
	}
	if !slices.Contains(kinds, strings.ToLower(kind)) || name == "" {
		return "", fmt.Errorf("%q is no workload: expected NAME or deploy/NAME", argument)
	}
	return name, nil
}

// find loads the workload that an argument names or, where there is none, the namespace's only one.
func (c *connection) find(ctx context.Context, argument string) (story.Workload, error) {
	name, err := nameOf(argument)
	if err != nil {
		return story.Workload{}, err
	}
	if name == "" {
		names, err := c.names(ctx, c.namespace)
		if err != nil {
			return story.Workload{}, err
		}
		switch len(names) {
		case 1:
			name = names[0]
		case 0:
			return story.Workload{}, fmt.Errorf("namespace %s has no workload that Reprise guards; -n names another namespace", c.namespace)
		default:
			return story.Workload{}, fmt.Errorf("namespace %s has %d workloads; name one of %s", c.namespace, len(names), strings.Join(names, ", "))
		}
	}
	w, err := c.load(ctx, c.namespace, name)
	if err != nil {
		return w, err
	}
	if w.Deployment == nil && len(w.History) == 0 {
		return w, c.unknown(ctx, name)
	}
	if w.Deployment != nil && !workload.IsGuarded(w.Deployment) && len(w.History) == 0 {
		return w, fmt.Errorf("deployment/%s in namespace %s is not guarded by Reprise: it has neither Score's annotation %s nor the label %s: %s",
			name, c.namespace, workload.NameAnnotation, workload.GuardLabel, workload.GuardEnabled)
	}
	return w, nil
}

// unknown says that there is no such workload, with the nearest name.
func (c *connection) unknown(ctx context.Context, name string) error {
	names, err := c.names(ctx, c.namespace)
	if err != nil {
		return err
	}
	if nearest := story.Nearest(name, names); nearest != "" {
		return fmt.Errorf("namespace %s has no workload %q; did you mean %s?", c.namespace, name, nearest)
	}
	return fmt.Errorf("namespace %s has no workload %q that Reprise guards; -n names another namespace", c.namespace, name)
}

// names are those of the workloads of a namespace, with those that are gone and whose history is kept.
func (c *connection) names(ctx context.Context, namespace string) ([]string, error) {
	workloads, err := c.all(ctx, namespace)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, w := range workloads {
		names = append(names, w.Name)
	}
	return names, nil
}

// all loads the workloads of a namespace, or of all where it is empty, ordered, with those that are gone.
func (c *connection) all(ctx context.Context, namespace string) ([]story.Workload, error) {
	var deployments appsv1.DeploymentList
	if err := c.reader.List(ctx, &deployments, client.InNamespace(namespace)); err != nil {
		return nil, explain(err, namespace)
	}
	var revisions v1alpha1.WorkloadRevisionList
	if err := c.reader.List(ctx, &revisions, client.InNamespace(namespace)); err != nil {
		return nil, explain(err, namespace)
	}
	found := map[client.ObjectKey]*story.Workload{}
	of := func(key client.ObjectKey) *story.Workload {
		if found[key] == nil {
			found[key] = &story.Workload{Namespace: key.Namespace, Name: key.Name, Context: c.context, Settings: workload.DefaultSettings()}
		}
		return found[key]
	}
	for _, r := range revisions.Items {
		w := of(client.ObjectKey{Namespace: r.Namespace, Name: r.Spec.WorkloadRef.Name})
		w.History = append(w.History, r)
	}
	for i := range deployments.Items {
		d := &deployments.Items[i]
		if key := client.ObjectKeyFromObject(d); workload.IsGuarded(d) || found[key] != nil {
			of(key).Deployment = d
		}
	}
	return c.complete(ctx, found)
}

// complete orders workloads and adds their settings.
func (c *connection) complete(ctx context.Context, found map[client.ObjectKey]*story.Workload) ([]story.Workload, error) {
	keys := slices.SortedFunc(maps.Keys(found), func(a, b client.ObjectKey) int { return strings.Compare(a.String(), b.String()) })
	var all []story.Workload
	for _, key := range keys {
		w := found[key]
		history.Sort(w.History)
		var err error
		if w.Settings, err = c.settings(ctx, w.Deployment, w.Namespace); err != nil {
			return nil, err
		}
		all = append(all, *w)
	}
	return all, nil
}
