package workload

import (
	"maps"

	appsv1 "k8s.io/api/apps/v1"
)

// Intent is the state that the deployer requested: labels, annotations and spec, without the fields
// that the API server, controllers, an autoscaler and Reprise write, and without OperatedFields. A
// rollback restores it as RawIntent.
type Intent struct {
	Labels      map[string]string     `json:"labels,omitempty"`
	Annotations map[string]string     `json:"annotations,omitempty"`
	Spec        appsv1.DeploymentSpec `json:"spec"`
}

// OperatedFields are the fields of the spec that operate a workload and deploy nothing: the scale
// and the pause. They are no part of the intent, and a rollback keeps their live values.
func OperatedFields() []string { return []string{"replicas", "paused"} }

// IntentOf returns the intent of a Deployment. It shares no memory with the Deployment.
func IntentOf(d *appsv1.Deployment) Intent {
	spec := *d.Spec.DeepCopy()
	spec.Replicas, spec.Paused = nil, false
	return Intent{
		Labels:      without(d.Labels, IsReservedKey),
		Annotations: without(d.Annotations, IsReservedKey),
		Spec:        spec,
	}
}

// merge returns an intent's labels or annotations together with the live reserved ones.
func merge(intent, live map[string]string) map[string]string {
	out := maps.Clone(intent)
	for key, value := range live {
		if !IsReservedKey(key) {
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		out[key] = value
	}
	return out
}

// without returns a copy of a map without the dropped keys; nil where no key remains.
func without(in map[string]string, drop func(string) bool) map[string]string {
	var out map[string]string
	for key, value := range in {
		if drop(key) {
			continue
		}
		if out == nil {
			out = make(map[string]string, len(in))
		}
		out[key] = value
	}
	return out
}
