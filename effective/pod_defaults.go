package effective

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"reprise.dev/reprise/internal/quantity"
)

// applyPodDefaults does what happens to a Pod, and not to a PodTemplate, when it
// is decoded (pkg/apis/core/v1/defaults.go: SetDefaults_ResourceList, SetDefaults_Pod).
func (d *podBuilder) applyPodDefaults() {
	spec := &d.pod.Spec
	for _, c := range containers(spec) {
		roundUp(c.Resources.Limits)
		roundUp(c.Resources.Requests)
		requestWhatIsLimited(&c.Resources)
		if spec.HostNetwork {
			openHostPorts(c.Ports)
		}
	}
	if spec.Resources != nil {
		roundUp(spec.Resources.Limits)
		roundUp(spec.Resources.Requests)
	}
	roundUp(spec.Overhead)

	if grace := spec.TerminationGracePeriodSeconds; grace != nil && *grace < 0 {
		spec.TerminationGracePeriodSeconds = new(int64(1))
	}
	if spec.EnableServiceLinks == nil {
		spec.EnableServiceLinks = new(corev1.DefaultEnableServiceLinks)
	}
}

// roundUp rounds up to thousandths, since the API server stores nothing finer, and
// brings quantities to the form in which it stores them.
func roundUp(list corev1.ResourceList) {
	for name, amount := range list {
		amount.RoundUp(resource.Milli)
		if stored, err := quantity.Parse(amount.String()); err == nil {
			amount = stored
		}
		list[name] = amount
	}
}

// requestWhatIsLimited copies limits to the requests that are missing.
func requestWhatIsLimited(r *corev1.ResourceRequirements) {
	for name, limit := range r.Limits {
		if _, requested := r.Requests[name]; requested {
			continue
		}
		if r.Requests == nil {
			r.Requests = corev1.ResourceList{}
		}
		r.Requests[name] = limit.DeepCopy()
	}
}

// openHostPorts gives every port of a pod on the host's network its host port.
func openHostPorts(ports []corev1.ContainerPort) {
	for i := range ports {
		if ports[i].HostPort == 0 {
			ports[i].HostPort = ports[i].ContainerPort
		}
	}
}
