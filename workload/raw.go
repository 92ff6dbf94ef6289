package workload

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// RawIntent is an intent as the API server's JSON. It includes fields that are newer than this
// binary's types, so a rollback restores them too.
type RawIntent struct {
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Spec        map[string]any    `json:"spec"`
}

// RawIntentOf returns the intent of a Deployment. It shares no memory with the Deployment.
func RawIntentOf(d *unstructured.Unstructured) RawIntent {
	spec, _ := d.Object["spec"].(map[string]any)
	spec = runtime.DeepCopyJSON(spec)
	for _, field := range OperatedFields() {
		delete(spec, field)
	}
	return RawIntent{
		Labels:      without(d.GetLabels(), IsReservedKey),
		Annotations: without(d.GetAnnotations(), IsReservedKey),
		Spec:        spec,
	}
}

// Typed returns the intent in this binary's types. It fails where a field does not have the API's
// type.
func (i RawIntent) Typed() (Intent, error) {
	typed := Intent{Labels: i.Labels, Annotations: i.Annotations}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(i.Spec, &typed.Spec); err != nil {
		return Intent{}, fmt.Errorf("reading the spec of an intent: %w", err)
	}
	return typed, nil
}

// Onto writes the intent into a Deployment. It keeps the Deployment's OperatedFields and reserved
// keys, which are no part of the intent.
func (i RawIntent) Onto(d *unstructured.Unstructured) {
	spec := runtime.DeepCopyJSON(i.Spec)
	live, _ := d.Object["spec"].(map[string]any)
	for _, field := range OperatedFields() {
		delete(spec, field)
		if live[field] != nil {
			spec[field] = live[field]
		}
	}
	d.SetLabels(merge(i.Labels, d.GetLabels()))
	d.SetAnnotations(merge(i.Annotations, d.GetAnnotations()))
	d.Object["spec"] = spec
}

// WithImages returns the intent with other images, by the names of their containers. It shares all
// else with the original.
func (i RawIntent) WithImages(byContainer map[string]string) RawIntent {
	i.Spec = runtime.DeepCopyJSON(i.Spec)
	for _, list := range []string{"initContainers", "containers"} {
		containers, _, _ := unstructured.NestedSlice(i.Spec, "template", "spec", list)
		for n := range containers {
			container, isMap := containers[n].(map[string]any)
			name, _ := container["name"].(string)
			if image, replaced := byContainer[name]; isMap && replaced {
				container["image"] = image
			}
		}
		if len(containers) > 0 {
			// The error is that of a path through a value that is no map, and then there are none.
			_ = unstructured.SetNestedSlice(i.Spec, containers, "template", "spec", list)
		}
	}
	return i
}
