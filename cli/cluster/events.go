package cluster

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/fields"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/story"
)

// eventSource is how Events are read.
type eventSource int

const (
	// noEvents: the caller may not read them.
	noEvents eventSource = iota
	// eventsOfAPI: the API server selects them.
	eventsOfAPI
	// eventsOfCache: the cache holds those that were selected.
	eventsOfCache
)

// EventSelector selects Reprise's Events about a workload, or about all where the name is empty.
func EventSelector(name string) fields.Selector {
	wanted := []fields.Selector{
		fields.OneTermEqualSelector("involvedObject.kind", "Deployment"),
		fields.OneTermEqualSelector("reportingComponent", "reprise.dev/reprise"),
	}
	if name != "" {
		wanted = append(wanted, fields.OneTermEqualSelector("involvedObject.name", name))
	}
	return fields.AndSelectors(wanted...)
}

// MayReadEvents reports whether the caller may read Events.
func MayReadEvents(ctx context.Context, api client.Reader, namespace string) bool {
	err := api.List(ctx, &corev1.EventList{}, client.InNamespace(namespace), client.MatchingFieldsSelector{Selector: EventSelector("")}, client.Limit(1))
	return err == nil
}

// addEvents adds to workloads of a namespace, or of all where it is empty, what Events tell of
// admission. A caller who may not read Events does without.
func (r *Workloads) addEvents(ctx context.Context, namespace string, workloads []story.Workload) ([]story.Workload, error) {
	if len(workloads) == 0 || r.events == noEvents {
		return workloads, nil
	}
	options := []client.ListOption{client.InNamespace(namespace)}
	if r.events == eventsOfAPI {
		name := ""
		if len(workloads) == 1 {
			name = workloads[0].Name
		}
		options = append(options, client.MatchingFieldsSelector{Selector: EventSelector(name)})
	}
	var events corev1.EventList
	err := r.from.List(ctx, &events, options...)
	if apierrors.IsForbidden(err) {
		return workloads, nil
	}
	if err != nil {
		return nil, Explain(err, namespace)
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
