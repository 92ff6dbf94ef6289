// Package effective tells what the API server will make of a pod template in
// its namespace: the pod as it would be stored, and what the API server would
// object to. It is pure: a template and the namespace's data go in, a pod and
// violations come out.
//
// The rules are those of Kubernetes 1.37 with its default feature gates and
// admission plugins; each file names the upstream file that it follows.
package effective

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Result is the effective pod of a template, with its violations.
type Result struct {
	// Pod is the effective pod: resources, overhead, priority and service account
	// are those that the API server would store. docs/effective-pod.md lists what
	// it does not claim.
	Pod *corev1.Pod
	// DefaultedFrom tells where a value came from that the template does not hold, by
	// its path: spec.containers[0].resources.limits[memory] → LimitRange mem-defaults.
	DefaultedFrom map[string]Cause
	// Violations are sorted by rule (in the API server's order), then by field.
	Violations []Violation
	// Unknown are the questions left open, sorted by kind. While there are any,
	// no violations does not mean that the pod will be accepted.
	Unknown []Unknown
}

// Compute derives the effective pod of a template in a namespace, for a pod that a
// ReplicaSet creates from it. Neither argument is changed.
//
// The order is the API server's: defaulting, mutating admission, the pod's own
// defaulting before storage, validation, validating admission
// (pkg/kubeapiserver/options/plugins.go, pkg/registry/core/pod/strategy.go).
func Compute(template *corev1.PodTemplateSpec, ns Namespace) Result {
	ns = limitNamespace(ns)
	d := &podBuilder{ns: &ns, pod: podFrom(template, ns.Name), defaultedFrom: map[string]Cause{}}

	d.limitQuantities()
	d.applyPodDefaults()
	d.applyLimitRanges()
	d.applyServiceAccount()
	d.applyPriority()
	d.applyRuntimeClass()
	d.applyPodResources()

	d.checkResources()
	d.checkPodResources()
	d.checkLimitRanges()
	d.checkPodSecurity()
	d.checkOverhead()
	d.checkQuotas()
	d.checkConfigMaps()
	return d.result()
}

// podFrom returns the pod that the ReplicaSet controller posts (pkg/controller/controller_utils.go
// GetPodFromTemplate), without the owner.
func podFrom(template *corev1.PodTemplateSpec, namespace string) *corev1.Pod {
	copied := template.DeepCopy()
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:   namespace,
			Labels:      copied.Labels,
			Annotations: copied.Annotations,
			Finalizers:  copied.Finalizers,
		},
		Spec: copied.Spec,
	}
}
