package command

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/fields"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/story"
)

// own are Reprise's events about a workload, or about all where no name is given.
func own(name string) fields.Selector {
	wanted := []fields.Selector{
		fields.OneTermEqualSelector("involvedObject.kind", "Deployment"),
		fields.OneTermEqualSelector("reportingComponent", "reprise.dev/reprise"),
	}
	if name != "" {
		wanted = append(wanted, fields.OneTermEqualSelector("involvedObject.name", name))
	}
	return fields.AndSelectors(wanted...)
}

// withEvents adds to workloads of a namespace, or of all where it is empty, what events tell of admission. Who may not
// read events is told less.
func (c *connection) withEvents(ctx context.Context, namespace string, workloads []story.Workload) ([]story.Workload, error) {
	if len(workloads) == 0 || c.noEvents {
		return workloads, nil
	}
	options := []client.ListOption{client.InNamespace(namespace)}
	if c.reader == client.Reader(c.api) { // What is watched is selected already.
		name := ""
		if len(workloads) == 1 {
			name = workloads[0].Name
		}
		options = append(options, client.MatchingFieldsSelector{Selector: own(name)})
	}
	var events corev1.EventList
	err := c.reader.List(ctx, &events, options...)
	if apierrors.IsForbidden(err) {
		return workloads, nil
	}
	if err != nil {
		return nil, explain(err, namespace)
	}
	about := map[client.ObjectKey][]corev1.Event{}
	for _, e := range events.Items {
		key := client.ObjectKey{Namespace: e.InvolvedObject.Namespace, Name: e.InvolvedObject.Name}
		about[key] = append(about[key], e)
	}
	for i, w := range workloads {
		workloads[i] = w.WithEvents(about[client.ObjectKey{Namespace: w.Namespace, Name: w.Name}])
	}
	return workloads, nil
}

// found is find, with what events tell.
func (c *connection) found(ctx context.Context, argument string) (story.Workload, error) {
	w, err := c.find(ctx, argument)
	if err != nil {
		return w, err
	}
	all, err := c.withEvents(ctx, w.Namespace, []story.Workload{w})
	if err != nil {
		return w, err
	}
	return all[0], nil
}

// mayWatchEvents says whether the caller may watch events; who may not follows without them.
func (c *connection) mayWatchEvents(ctx context.Context, namespace string) bool {
	err := c.api.List(ctx, &corev1.EventList{}, client.InNamespace(namespace), client.MatchingFieldsSelector{Selector: own("")}, client.Limit(1))
	return err == nil
}
