package workload

import (
	"maps"
	"strings"

	appsv1 "k8s.io/api/apps/v1"

	"reprise.dev/reprise/api/v1alpha1"
)

// LastApplied is kubectl's memory of a client-side apply. A rollback restores it, or the next apply
// would compute its patch from the wrong original; it is no change of intent by itself.
const LastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// controllerPrefix is that of the annotations that the deployment controller writes
// (k8s.io/kubernetes/pkg/controller/deployment/util/deployment_util.go).
const controllerPrefix = "deployment.kubernetes.io/"

// Intent is what the deployer asked for: labels, annotations and spec without what the server, the
// controllers, an autoscaler and Reprise itself write. A rollback restores it as RawIntent.
type Intent struct {
	Labels      map[string]string     `json:"labels,omitempty"`
	Annotations map[string]string     `json:"annotations,omitempty"`
	Spec        appsv1.DeploymentSpec `json:"spec"`
}

// IntentOf takes the intent out of a Deployment; it shares nothing with it.
func IntentOf(d *appsv1.Deployment) Intent {
	spec := *d.Spec.DeepCopy()
	spec.Replicas = nil
	return Intent{
		Labels:      without(d.Labels, IsReservedKey),
		Annotations: without(d.Annotations, IsReservedKey),
		Spec:        spec,
	}
}

// IsReservedKey says whether a label's or annotation's key of a Deployment belongs to Reprise or to
// the deployment controller, and so to no deployer's intent: a rollback leaves its live value
// alone.
func IsReservedKey(key string) bool {
	return strings.HasPrefix(key, v1alpha1.Prefix) || strings.HasPrefix(key, controllerPrefix)
}

// merge joins an intent's labels or annotations with the live ones that are not part of it.
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
