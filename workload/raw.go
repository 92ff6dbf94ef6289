package workload

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// RawIntent is an intent as the API server's JSON has it. What is newer than this binary's types is
// in it, so that a rollback puts it back too.
type RawIntent struct {
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Spec        map[string]any    `json:"spec"`
}

// RawIntentOf takes the intent out of a Deployment as it was read; it shares nothing with it.
func RawIntentOf(d *unstructured.Unstructured) RawIntent {
	spec, _ := d.Object["spec"].(map[string]any)
	spec = runtime.DeepCopyJSON(spec)
	delete(spec, "replicas")
	return RawIntent{
		Labels:      without(d.GetLabels(), IsReservedKey),
		Annotations: without(d.GetAnnotations(), IsReservedKey),
		Spec:        spec,
	}
}

// Typed is the intent as this binary knows it. It fails on a field of another type than the API's.
func (i RawIntent) Typed() (Intent, error) {
	typed := Intent{Labels: i.Labels, Annotations: i.Annotations}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(i.Spec, &typed.Spec); err != nil {
		return Intent{}, fmt.Errorf("reading the spec of an intent: %w", err)
	}
	return typed, nil
}

// Onto writes the intent into a Deployment and keeps what is not part of it: replicas and reserved
// keys.
func (i RawIntent) Onto(d *unstructured.Unstructured) {
	spec := runtime.DeepCopyJSON(i.Spec)
	if live, _ := d.Object["spec"].(map[string]any); live["replicas"] != nil {
		spec["replicas"] = live["replicas"]
	}
	d.SetLabels(merge(i.Labels, d.GetLabels()))
	d.SetAnnotations(merge(i.Annotations, d.GetAnnotations()))
	d.Object["spec"] = spec
}
