package effective

import (
	"fmt"
	"iter"

	corev1 "k8s.io/api/core/v1"
)

// place is where resources stand in a pod.
type place struct {
	// path is that of the object which has the resources: spec.containers[0], or spec.
	path string
	// container is the container's name, empty for the pod as a whole.
	container string
	init      bool
}

// limits is the path of one limit, such as spec.containers[0].resources.limits[memory].
func (p place) limit(name corev1.ResourceName) string {
	return p.path + ".resources.limits[" + string(name) + "]"
}

// request is the path of one request.
func (p place) request(name corev1.ResourceName) string {
	return p.path + ".resources.requests[" + string(name) + "]"
}

// String names the place in a sentence.
func (p place) String() string {
	switch {
	case p.container == "" && p.path == podPlace.path:
		return "the pod"
	case p.init:
		return "init container " + p.container
	default:
		return "container " + p.container
	}
}

// podPlace is the place of the pod-level resources.
var podPlace = place{path: "spec"}

// containers yields the containers that have resources, in the API server's
// order: the regular ones, then the init containers (sidecars among them).
func containers(spec *corev1.PodSpec) iter.Seq2[place, *corev1.Container] {
	return func(yield func(place, *corev1.Container) bool) {
		for i := range spec.Containers {
			c := &spec.Containers[i]
			if !yield(place{path: fmt.Sprintf("spec.containers[%d]", i), container: c.Name}, c) {
				return
			}
		}
		for i := range spec.InitContainers {
			c := &spec.InitContainers[i]
			if !yield(place{path: fmt.Sprintf("spec.initContainers[%d]", i), container: c.Name, init: true}, c) {
				return
			}
		}
	}
}
