package effective

import (
	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	"k8s.io/apimachinery/pkg/util/sets"
)

// Kind names a kind of API object, as in its manifest.
type Kind string

// The kinds that decide what becomes of a pod template in its namespace.
const (
	KindNamespace      Kind = "Namespace"
	KindLimitRange     Kind = "LimitRange"
	KindResourceQuota  Kind = "ResourceQuota"
	KindRuntimeClass   Kind = "RuntimeClass"
	KindPriorityClass  Kind = "PriorityClass"
	KindServiceAccount Kind = "ServiceAccount"
	KindConfigMap      Kind = "ConfigMap"
)

// Namespace is what a namespace, and the cluster around it, holds of the
// objects that decide what becomes of a pod template. Everything in it is read
// only: Of never changes the objects it points to, so they may come straight
// from an informer's cache. A quantity in it beyond quantity.Max counts as that.
type Namespace struct {
	// Name is the namespace's name.
	Name string
	// Labels are the namespace's own; the pod-security.kubernetes.io ones matter.
	Labels map[string]string

	LimitRanges    []*corev1.LimitRange
	ResourceQuotas []*corev1.ResourceQuota

	// RuntimeClasses and PriorityClasses are the cluster's, all of them.
	RuntimeClasses  []*nodev1.RuntimeClass
	PriorityClasses []*schedulingv1.PriorityClass

	// ServiceAccounts are those of the namespace.
	ServiceAccounts []*corev1.ServiceAccount
	// ConfigMaps are the names of those of the namespace.
	ConfigMaps sets.Set[string]

	// Unknown holds the kinds that could not be read, with the reason: the cache is stale, was never
	// filled, or nobody asked. What is in the fields above for such a kind is ignored, and rules that
	// need it report an evaluation error.
	Unknown map[Kind]string
}

// knows reports whether the objects of a kind are known.
func (n *Namespace) knows(kind Kind) bool {
	_, unknown := n.Unknown[kind]
	return !unknown
}
